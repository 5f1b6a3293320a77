// SPDX-License-Identifier: Apache-2.0

// Package conversation holds what a fuzzing case says: a script of messages over one or several
// associations, as values and as text that people read, keep and replay.
//
//	rspthreat-script 1
//	open a asap tcp clear as nobody
//	send a 05000010 0009000a 4563686f506f6f6c  # ASAP_HANDLE_RESOLUTION
//	sync a
//	close a
//
// A line is a step. "open NAME PROTOCOL TRANSPORT tls|clear as CREDENTIAL" sets an association up
// through the door of that kind; "send NAME HEX" sends octets as they are, where ppid=N and
// stream=N are for SCTP; "sync NAME" asks an honest question and waits until it is answered or
// the association ends; "close NAME" ends gracefully and "abort NAME" at once; "restart" begins
// with a fresh system where it can be had, and "idle DURATION" leaves the system to honest nodes
// for a while. "repeat N" before the first step has all of them run N times. What is only known when the script runs stands in
// angle brackets among the octets: <server>, the server ID of the system; <victim>, the PE
// identifier of an honest element; <element>, the PE identifier of the first element of the last
// resolution; <address>, the own IPv4 address.
package conversation
