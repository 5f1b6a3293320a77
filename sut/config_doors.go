// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// doors translates the configured doors and adds those that only attackers try.
func (c *Config) doors() ([]Door, error) {
	doors := make([]Door, 0, len(c.Doors))
	for n, d := range c.Doors {
		door := Door{Transport: association.Transport(d.Transport), Secured: d.TLS, EncapsulationPort: c.EncapsulationPort}
		switch d.Protocol {
		case "asap":
			door.Protocol = wire.ASAP
		case "enrp":
			door.Protocol = wire.ENRP
		default:
			return nil, fmt.Errorf("doors[%d].protocol: is %q, must be asap or enrp", n, d.Protocol)
		}
		switch door.Transport {
		case association.TCP, association.SCTP, association.SCTPUDP, association.SCTPKernel:
		case association.UDP:
			if d.TLS {
				return nil, fmt.Errorf("doors[%d]: there is no TLS over udp", n)
			}
		default:
			return nil, fmt.Errorf("doors[%d].transport: is %q, must be tcp, sctp, sctp-udp, sctp-kernel or udp", n, d.Transport)
		}
		if d.TLS && c.Security == Clear {
			return nil, fmt.Errorf("doors[%d]: a system with security: clear has no tls doors", n)
		}
		address := d.Address
		if address == "" {
			address = c.Address
		}
		a, err := netip.ParseAddr(address)
		if err != nil {
			return nil, fmt.Errorf("doors[%d].address: %w", n, err)
		}
		if a.IsMulticast() && door.Transport != association.UDP {
			return nil, fmt.Errorf("doors[%d].address: %s is a multicast group, which takes transport udp", n, a)
		}
		if d.Port == 0 {
			return nil, fmt.Errorf("doors[%d].port: is missing", n)
		}
		door.Addr = netip.AddrPortFrom(a, d.Port)
		doors = append(doors, door)
	}
	return append(doors, standardDoors(doors, c.Security)...), nil
}

// standardDoors adds the standard ports (RFC 5352 section 8, RFC 5353 section 5) of the
// other kind: the clear ports of a secured system, and the TLS ports of one in clear, where
// none of that protocol and transport is configured. They should be closed, or refuse, and
// an attacker tries them.
func standardDoors(doors []Door, security Security) []Door {
	var added []Door
	for _, d := range doors {
		if d.Secured != (security == Secured) || d.Transport == association.UDP {
			continue
		}
		other := d
		other.Secured = !d.Secured
		other.Addr = netip.AddrPortFrom(d.Addr.Addr(), standardPort(d.Protocol, other.Secured))
		configured := slices.ContainsFunc(slices.Concat(doors, added), func(have Door) bool {
			return have.Secured == other.Secured && have.Protocol == d.Protocol && have.Transport == d.Transport
		})
		if !configured {
			added = append(added, other)
		}
	}
	if security == Secured {
		added = append(added, announcementDoors(doors)...)
	}
	return added
}

// announcementDoors are the UDP ports of announcements (RFC 5352 section 3.6): whether
// anybody listens there or not, what comes there in clear must have no effect.
func announcementDoors(doors []Door) []Door {
	var added []Door
	for _, d := range doors {
		udp := Door{
			Protocol: d.Protocol, Transport: association.UDP,
			Addr: netip.AddrPortFrom(d.Addr.Addr(), standardPort(d.Protocol, false)),
		}
		if !slices.Contains(doors, udp) && !slices.Contains(added, udp) {
			added = append(added, udp)
		}
	}
	return added
}

func standardPort(p wire.Protocol, secured bool) uint16 {
	switch {
	case p == wire.ENRP && secured:
		return portENRPTLS
	case p == wire.ENRP:
		return portENRP
	case secured:
		return portASAPTLS
	default:
		return portASAP
	}
}

// peers translates the places where the system looks for peers.
func (c *Config) peers() ([]Place, error) {
	places := make([]Place, 0, len(c.Peers))
	for n, p := range c.Peers {
		place := Place{Transport: association.Transport(p.Transport), Secured: c.Security == Secured, EncapsulationPort: p.EncapsulationPort}
		if !place.Transport.IsSCTP() {
			return nil, fmt.Errorf("peers[%d].transport: is %q, must be sctp, sctp-udp or sctp-kernel", n, p.Transport)
		}
		addr, err := netip.ParseAddr(p.Address)
		if err != nil {
			return nil, fmt.Errorf("peers[%d].address: %w", n, err)
		}
		port := p.Port
		if port == 0 {
			port = standardPort(wire.ENRP, place.Secured)
		}
		place.Addr = netip.AddrPortFrom(addr, port)
		places = append(places, place)
	}
	return places, nil
}
