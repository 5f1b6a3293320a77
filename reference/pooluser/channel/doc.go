// SPDX-License-Identifier: Apache-2.0

// Package channel carries the data of a session between a pool user and a pool
// element, and the ASAP control messages that belong to it (cookies, business
// cards, errors), on one association.
//
// One association for both means that both are secured or neither is: a cookie
// cannot go in clear beside data under TLS (draft-ietf-rserpool-threats-15,
// section 2.16, which demands it of TCP).
//
// # Format
//
// On clear SCTP the payload protocol identifier tells the two apart: 11 is
// ASAP, anything else is data (RFC 5352 sections 3.8 and 5). Data is the whole
// user message, unchanged.
//
// A byte stream (TCP) and TLS, over TCP or SCTP, carry no such identifier. No
// RFC says how to share them, so this is our own format: everything on the
// association is a sequence of messages with the common header of RFC 5354
// section 4, each padded with zeros to a multiple of 4 octets. ASAP messages are
// what they are in RFC 5352; data is put into a message of type 0x44.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|  Type = 0x44  |0|0|0|0|0|0|0|0|        Message Length         |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	:                             Data                              :
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Message Length is 4 plus the number of octets of data, without the padding.
// Flags are 0 when sent and ignored when received. 0x44 is unassigned (RFC 5352
// section 8.1) and its two highest bits are 01: an endpoint that does not know
// this format discards the data and says so in an ASAP_ERROR (RFC 5354 section
// 4), where silence would look like a slow element.
package channel
