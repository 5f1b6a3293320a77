// SPDX-License-Identifier: Apache-2.0

// Package kernelsctp carries messages over the SCTP of the kernel, with the
// methods and errors of package sctp, which does the same in user space.
//
//	Dial       one association, from a socket of its own
//	Listener   one-to-many socket; each association that comes up is peeled off
//	Conn       messages of one association, with deadlines, until it has ended
//
// Sockets are one-to-many (SOCK_SEQPACKET): on a one-to-one socket Linux refuses
// SCTP_ABORT, so that an ABORT could not carry a reason. Such a socket tells of
// the life of an association by notifications only; all of them are read here.
//
// Structures, option numbers and sending are those of
// github.com/ishidawataru/sctp. Its connections are not used: they know no
// deadlines and no poller, cannot tell a part of a message from a whole one, send
// a wrong flag for SCTP_EOF (and, by way of package syscall, an octet with it,
// which makes the kernel refuse it), and read the descriptor of PeelOff from the
// wrong place. Closing one in use may hit a descriptor that is no longer its own.
package kernelsctp
