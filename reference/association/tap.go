// SPDX-License-Identifier: Apache-2.0

package association

import (
	"net/netip"
	"time"
)

// RecordKind says what a Record is.
type RecordKind uint8

// The kinds of records. SCTP and UDP have Data only.
const (
	RecordOpen  RecordKind = iota + 1 // a TCP connection was established
	RecordData                        // octets of TCP, a packet of SCTP, a datagram of UDP
	RecordClose                       // FIN
	RecordReset                       // RST
)

// String returns "open", "data", "close" or "reset".
func (k RecordKind) String() string {
	switch k {
	case RecordOpen:
		return "open"
	case RecordData:
		return "data"
	case RecordClose:
		return "close"
	case RecordReset:
		return "reset"
	}
	return "unknown"
}

// Record is something that crossed the wire.
type Record struct {
	Time      time.Time
	Transport Transport
	// Local and Remote are the addresses with the outermost ports: of TCP or
	// UDP, 0 for SCTP on IP. The SCTP ports are in Data.
	Local, Remote netip.AddrPort
	// Outbound: from Local to Remote; of an Open: this side dialled.
	Outbound bool
	Kind     RecordKind
	// Data is valid during the call only. For SCTP it is a whole packet with the
	// ports and the checksum of the wire; for TCP the octets that follow those
	// recorded before in this direction.
	Data []byte
}

// Tap sees what crosses the wire, below TLS and outside of Wrap. It is called
// from the goroutines that send and receive, several at once, and must not block.
//
// Of SCTPKernel there are no records: the kernel shows messages, not packets.
// Capture on the interface instead.
//
// What is sent is recorded just before it is sent, so that a reply never stands
// before what it answers.
type Tap interface {
	Record(r Record)
}
