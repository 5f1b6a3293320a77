// SPDX-License-Identifier: Apache-2.0

// Package sctp is an SCTP endpoint in user space: it gives associations of
// github.com/pion/sctp what that engine leaves to others.
//
//	Conn       messages of one association; graceful and abortive end; supervision
//	engine     pion: chunks, congestion, retransmission; always between ports 5000 and 5000
//	path       the packets of one association: ports, checksum, tags, INIT parameters
//	Endpoint   tells associations apart by addresses, ports and verification tags
//	Link       a raw socket (IP protocol 132), a UDP socket (RFC 6951), or memory
//
// The engine checks no verification tag, does not understand the INIT of a
// kernel, retransmits for ever, sends an idle peer nothing or (seldom) a HEARTBEAT
// without its parameter, and stops when a write fails. Each of these has its remedy here and a test beside it.
package sctp
