// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/rspthreat/rspthreat/reference/association/kernelsctp"
	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// EncapsulationPort is the UDP port that IANA gave to RFC 6951.
const EncapsulationPort = 9899

// StackConfig describes a Stack.
type StackConfig struct {
	// Local is the address to bind; the zero Addr is every IPv4 address.
	Local netip.Addr
	// Transport is SCTP, SCTPUDP or SCTPKernel. One of SCTPKernel has no socket and
	// bounds nothing; it is there so that the transport is one option everywhere.
	Transport Transport
	// UDPPort is the UDP port of SCTPUDP, 0 for EncapsulationPort.
	UDPPort uint16
	// Ephemeral is for a stack that dials and shares its address with others. SCTPUDP
	// takes any free UDP port. The first association has an SCTP port that no other
	// such stack has: peers tell associations apart by address and SCTP ports alone.
	Ephemeral bool
	// Associations bounds those of the whole stack; 0 is twice
	// DefaultAssociations: what a full listener takes, and as many dials.
	Associations int
	// Tap records every packet that belongs to this stack; of SCTPKernel none.
	Tap Tap
}

// Stack is one raw or UDP socket that carries many SCTP associations, dialled
// and accepted, told apart by their ports. Packets for ports it does not own are
// left to others.
type Stack struct {
	transport Transport
	endpoint  *sctp.Endpoint // nil for SCTPKernel
	local     netip.AddrPort
	reserved  net.PacketConn // has the number of an SCTP port; nil for none
}

// Stats counts the packets that a Stack did not deliver.
type Stats = sctp.Stats

// NewStack opens the socket. It returns ErrNotPermitted when raw sockets are not
// for this process, and ErrNoKernelSCTP.
func NewStack(c StackConfig) (*Stack, error) {
	if !c.Local.IsValid() {
		c.Local = netip.IPv4Unspecified()
	}
	if c.UDPPort == 0 && !c.Ephemeral {
		c.UDPPort = EncapsulationPort
	}
	if c.Associations <= 0 {
		c.Associations = 2 * DefaultAssociations
	}
	var link sctp.Link
	var err error
	switch c.Transport {
	case SCTP:
		link, err = sctp.ListenIP(c.Local)
		if errors.Is(err, os.ErrPermission) {
			err = fmt.Errorf("%w: %w", ErrNotPermitted, err)
		}
	case SCTPKernel:
		if err = kernelsctp.Available(); err == nil {
			return &Stack{transport: SCTPKernel, local: netip.AddrPortFrom(c.Local, 0)}, nil
		}
	case SCTPUDP:
		link, err = sctp.ListenUDP(netip.AddrPortFrom(c.Local, c.UDPPort))
	default:
		err = fmt.Errorf("%w: a stack of %q", ErrTransport, c.Transport)
	}
	if err != nil {
		return nil, fmt.Errorf("association: %w", err)
	}
	s := &Stack{transport: c.Transport}
	config := sctp.Config{Associations: c.Associations, Trace: packetTap(c.Tap, c.Transport)}
	if c.Ephemeral {
		if config.FirstPort, err = s.reserve(link); err != nil {
			_ = link.Close()
			return nil, fmt.Errorf("association: reserve a port: %w", err)
		}
	}
	s.endpoint = sctp.NewEndpoint(link, config)
	s.local = s.endpoint.Local()
	return s, nil
}

// reserve returns a number that no other stack of the address has that asks for one: that of a
// UDP port, which the kernel gives to one socket only. On IP the socket does nothing else.
func (s *Stack) reserve(link sctp.Link) (uint16, error) {
	local := link.Local()
	if local.Port() == 0 {
		var err error
		if s.reserved, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(local)); err != nil {
			return 0, err
		}
		local = s.reserved.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return local.Port(), nil
}

// packetTap returns what records the packets of SCTP, nil without a Tap.
func packetTap(tap Tap, t Transport) func(sctp.Packet) {
	if tap == nil {
		return nil
	}
	return func(p sctp.Packet) {
		tap.Record(Record{
			Time: time.Now(), Transport: t, Local: p.Local, Remote: p.Remote,
			Outbound: p.Outbound, Kind: RecordData, Data: p.Data,
		})
	}
}

// Transport returns SCTP, SCTPUDP or SCTPKernel.
func (s *Stack) Transport() Transport { return s.transport }

// Local returns the bound address, with the UDP port of SCTPUDP.
func (s *Stack) Local() netip.AddrPort { return s.local }

// Stats returns the counts so far, none for SCTPKernel.
func (s *Stack) Stats() Stats {
	if s.endpoint == nil {
		return Stats{}
	}
	return s.endpoint.Stats()
}

// Close ends the associations that are left, without a word to their peers, and
// closes the socket. It waits for the goroutines of the stack. Associations of
// SCTPKernel have sockets of their own and go on.
func (s *Stack) Close() error {
	if s.endpoint == nil {
		return nil
	}
	err := s.endpoint.Close()
	if s.reserved != nil {
		err = errors.Join(err, s.reserved.Close())
	}
	return err
}
