// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"net/netip"
)

// TransportKind is the protocol of a transport parameter.
type TransportKind uint8

// The transports of RFC 5354 sections 3.3 to 3.7 and 3.16. The zero value is
// no transport and cannot be encoded.
const (
	TransportDCCP    = TransportKind(ParameterDCCP)
	TransportSCTP    = TransportKind(ParameterSCTP)
	TransportTCP     = TransportKind(ParameterTCP)
	TransportUDP     = TransportKind(ParameterUDP)
	TransportUDPLite = TransportKind(ParameterUDPLite)
	TransportOpaque  = TransportKind(ParameterOpaque)
)

// String returns the lower-case protocol name.
func (k TransportKind) String() string {
	switch k {
	case TransportDCCP:
		return "dccp"
	case TransportSCTP:
		return "sctp"
	case TransportTCP:
		return "tcp"
	case TransportUDP:
		return "udp"
	case TransportUDPLite:
		return "udp-lite"
	case TransportOpaque:
		return "opaque"
	}
	return fmt.Sprintf("transport %d", uint8(k))
}

// TransportUse tells what a transport address is for (RFC 5354 section 3.4).
type TransportUse uint16

// The two transport uses; all other values are undefined.
const (
	DataOnly       TransportUse = 0
	DataAndControl TransportUse = 1
)

// String returns "data" or "data+control".
func (u TransportUse) String() string {
	switch u {
	case DataOnly:
		return "data"
	case DataAndControl:
		return "data+control"
	}
	return fmt.Sprintf("transport use %d", uint16(u))
}

// Transport is where an endpoint can be reached.
type Transport struct {
	Kind TransportKind
	Port uint16
	// Use is on the wire for SCTP, and for TCP with Options.TCPUse.
	Use TransportUse
	// ServiceCode is for DCCP only.
	ServiceCode uint32
	// Addrs holds one address, one or more for SCTP and none for an opaque
	// transport. An IPv4-mapped address is sent as IPv6.
	Addrs []netip.Addr
	// Opaque is the data of an opaque transport.
	Opaque []byte
}
