// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// Protocol is one of the two RSerPool protocols.
type Protocol uint8

// The two protocols. ASAP runs between pool users, pool elements and servers,
// ENRP between servers.
const (
	ASAP Protocol = 1
	ENRP Protocol = 2
)

// SCTP payload protocol identifiers (RFC 5352 section 5.1, RFC 5353 section 5.2).
const (
	PPIDASAP uint32 = 11
	PPIDENRP uint32 = 12
)

// Registered port numbers. ASAP has them for TCP, UDP and SCTP; ENRP for UDP
// and SCTP only. The TLS ports are for TLS over TCP or SCTP.
const (
	PortASAP    uint16 = 3863
	PortASAPTLS uint16 = 3864
	PortENRP    uint16 = 9901
	PortENRPTLS uint16 = 9902
)

// PPID returns the SCTP payload protocol identifier, 0 for an unknown protocol.
func (p Protocol) PPID() uint32 {
	switch p {
	case ASAP:
		return PPIDASAP
	case ENRP:
		return PPIDENRP
	}
	return 0
}

// ProtocolOf returns the protocol an SCTP payload protocol identifier names.
func ProtocolOf(ppid uint32) (Protocol, bool) {
	switch ppid {
	case PPIDASAP:
		return ASAP, true
	case PPIDENRP:
		return ENRP, true
	}
	return 0, false
}

// String returns "asap" or "enrp".
func (p Protocol) String() string {
	switch p {
	case ASAP:
		return "asap"
	case ENRP:
		return "enrp"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// ServerID identifies an ENRP server. 0 means all servers as a receiver, and
// an undetermined server as a pool element's home.
type ServerID uint32

// String returns the identifier as 0x and eight hexadecimal digits.
func (id ServerID) String() string { return fmt.Sprintf("0x%08x", uint32(id)) }

// PEID identifies a pool element within its pool.
type PEID uint32

// String returns the identifier as 0x and eight hexadecimal digits.
func (id PEID) String() string { return fmt.Sprintf("0x%08x", uint32(id)) }
