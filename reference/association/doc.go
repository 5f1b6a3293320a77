// SPDX-License-Identifier: Apache-2.0

// Package association carries ASAP and ENRP messages over TCP and over SCTP, of
// user space or of the kernel, in clear or under TLS, behind one interface.
//
//	Association        messages, both ways, until Close, Abort or the end of the peer
//	framing            Message Length rounded up to 4: inside TLS, and on clear TCP
//	                   one user message = one message: on clear SCTP
//	TLS                optional (package tlspsk); over SCTP one record a user message (RFC 3436)
//	Wrap               optional, the position of somebody on the path
//	transport          TCP, or stream 0 of an SCTP association
//	Stack              one socket for many SCTP associations: IP protocol 132, or UDP (RFC 6951)
//	                   SCTPKernel needs none; one of it only names the local address
//	Tap                optional, records what crosses the wire
//
// The ports of RFC 5352 and RFC 5353 are 3863 (ASAP) and 9901 (ENRP), under TLS
// 3864 and 9902. UDP carries announcements only: see [ListenDatagram].
package association
