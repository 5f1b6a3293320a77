// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// presence notes what a peer says of itself, answers when it asks for an answer, and audits
// its elements (RFC 5353 sections 2.1, 3.4 and 3.6.1).
func (r *Registrar) presence(s *session, p *peer, m *wire.Presence) {
	if m.HasServer && m.Server.ID == m.Sender {
		p.info, p.hasInfo = cloneServer(m.Server), true
	}
	if m.ReplyRequired {
		r.sendPresence(s, false)
	}
	if m.HasChecksum {
		r.audit(s, p, m.Checksum)
	}
}

func cloneServer(i wire.ServerInformation) wire.ServerInformation {
	i.Transport.Addrs = append([]netip.Addr(nil), i.Transport.Addrs...)
	i.Transport.Opaque = append([]byte(nil), i.Transport.Opaque...)
	return i
}

// sendPresence says that we live. During the start-up there is no checksum in it, unless the
// peer would refuse it without: what we have then is not yet what we had before a restart,
// and peers would audit in vain.
func (r *Registrar) sendPresence(s *session, replyRequired bool) {
	s.send(&wire.Presence{
		Sender: r.cfg.ServerID, Receiver: s.peer, ReplyRequired: replyRequired,
		Checksum: r.space.Checksum(r.cfg.ServerID), HasChecksum: r.ready || r.cfg.Wire.RequireChecksum,
		Server: r.self(s), HasServer: true,
	})
}

// self describes this registrar to the far end of s: where the ENRP door is, at the address
// that s uses unless the door has one of its own.
func (r *Registrar) self(s *session) wire.ServerInformation {
	local := s.origin.Info.Local
	port, addr := local.Port(), local.Addr()
	if d := r.cfg.enrpDoor(); d != nil {
		port = d.Addr.Port()
		if !d.Addr.Addr().IsUnspecified() {
			addr = d.Addr.Addr()
		}
	}
	return wire.ServerInformation{ID: r.cfg.ServerID, Transport: wire.Transport{
		Kind: wire.TransportSCTP, Port: port, Addrs: []netip.Addr{addr.Unmap()},
	}}
}
