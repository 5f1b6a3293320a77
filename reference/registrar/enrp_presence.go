// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// presence notes what a peer says of itself and answers when it asks for an answer (RFC
// 5353 sections 2.1 and 3.4).
func (r *Registrar) presence(s *session, p *peer, m *wire.Presence) {
	if m.HasServer && m.Server.ID == m.Sender {
		p.info, p.hasInfo = cloneServer(m.Server), true
	}
	if m.ReplyRequired {
		r.sendPresence(s, false)
	}
}

func cloneServer(i wire.ServerInformation) wire.ServerInformation {
	i.Transport.Addrs = append([]netip.Addr(nil), i.Transport.Addrs...)
	i.Transport.Opaque = append([]byte(nil), i.Transport.Opaque...)
	return i
}

func (r *Registrar) sendPresence(s *session, replyRequired bool) {
	s.send(&wire.Presence{
		Sender: r.cfg.ServerID, Receiver: s.peer, ReplyRequired: replyRequired,
		Checksum: r.space.Checksum(r.cfg.ServerID), HasChecksum: true,
		Server: r.self(s), HasServer: true,
	})
}

// self describes this registrar to the far end of s: the address it reached us at.
func (r *Registrar) self(s *session) wire.ServerInformation {
	local := s.origin.Info.Local
	return wire.ServerInformation{ID: r.cfg.ServerID, Transport: wire.Transport{
		Kind: wire.TransportSCTP, Port: local.Port(), Addrs: []netip.Addr{local.Addr().Unmap()},
	}}
}
