// SPDX-License-Identifier: Apache-2.0

package association

import (
	"net/netip"
)

// EncapsulationPort is the UDP port that IANA gave to RFC 6951.
const EncapsulationPort = 9899

// StackConfig describes a Stack.
type StackConfig struct {
	// Local is the address to bind; the zero Addr is every IPv4 address.
	Local netip.Addr
	// Transport is SCTP or SCTPUDP.
	Transport Transport
	// UDPPort is the UDP port of SCTPUDP, 0 for EncapsulationPort; EphemeralUDP
	// takes any free port instead.
	UDPPort      uint16
	EphemeralUDP bool
	// Associations bounds those of the whole stack, 0 for DefaultAssociations*2:
	// both what a full listener takes and as many dials.
	Associations int
	// Tap records every packet that belongs to this stack.
	Tap Tap
}

// Stack is one raw or UDP socket that carries many SCTP associations, dialled
// and accepted, told apart by their ports. Packets for ports it does not own are
// left to others.
type Stack struct {
	transport Transport
}

// NewStack opens the socket. It returns ErrNotPermitted when raw sockets are not
// for this process.
func NewStack(c StackConfig) (*Stack, error) { return nil, ErrTransport }

// Local returns the bound address, with the UDP port of SCTPUDP.
func (s *Stack) Local() netip.AddrPort { return netip.AddrPort{} }

// Close ends the associations that are left, without a word to their peers, and
// closes the socket. It waits for the goroutines of the stack.
func (s *Stack) Close() error { return nil }
