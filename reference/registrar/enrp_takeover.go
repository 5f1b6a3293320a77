// SPDX-License-Identifier: Apache-2.0

package registrar

import "github.com/rspthreat/rspthreat/reference/wire"

// initTakeover answers a peer that wants to take over a registrar it believes dead (RFC
// 5353 section 3.5.1). We object when it means us; otherwise we agree. A target that we
// still hear is not given up: we say nothing, and the peer cannot win the arbitration.
func (r *Registrar) initTakeover(s *session, m *wire.InitTakeover) {
	if m.Target == r.cfg.ServerID {
		for _, p := range r.peers {
			if p.session != nil {
				r.sendPresence(p.session, false)
			}
		}
		return
	}
	if target := r.peers[m.Target]; target != nil {
		if target.session != nil {
			r.log.Warn("takeover of a connected peer not acknowledged", "target", m.Target.String(), "by", s.peer.String())
			return
		}
		target.active = false
	}
	s.send(&wire.InitTakeoverAck{Sender: r.cfg.ServerID, Receiver: s.peer, Target: m.Target})
}

// takeoverServer gives the elements of a registrar that is gone to the peer that took it
// over (RFC 5353 section 3.5.2). Nobody takes over this registrar or one that it hears.
func (r *Registrar) takeoverServer(p *peer, m *wire.TakeoverServer) {
	target := r.peers[m.Target]
	if m.Target == r.cfg.ServerID || m.Target == p.id || (target != nil && target.session != nil) {
		r.stats.Refused[peerName]++
		r.log.Warn("refused", "message", m.Name(), "peer", p.id.String(), "defence", peerName, "reason", "the target is alive")
		return
	}
	moved := r.space.Rehome(m.Target, p.id)
	delete(r.peers, m.Target)
	r.log.Info("taken over", "target", m.Target.String(), "by", p.id.String(), "elements", len(moved))
}
