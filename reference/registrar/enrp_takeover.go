// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// yield is our agreement that a peer takes a target over (RFC 5353 section 3.5.1). There is
// one for each target.
type yield struct {
	to    wire.ServerID
	alarm alarm // until we stop to trust in it
}

// initTakeover answers a peer that wants to take over a registrar it believes dead (RFC
// 5353 section 3.5.1). We object when it means us. A target that we still hear is not given
// up: we say nothing, and the peer cannot win the arbitration.
func (r *Registrar) initTakeover(s *session, p *peer, m *wire.InitTakeover, now time.Time) {
	if r.cfg.ReflectTakeovers {
		r.reflect(now, func(*liveness) bool { return true })
	}
	target := r.peers[m.Target]
	y := r.yields[m.Target]
	ours := r.takeovers[m.Target]
	switch {
	case m.Target == r.cfg.ServerID:
		r.log.Warn("objecting to our own takeover", "by", p.id.String())
		r.announcePresence()
		return
	case m.Target == p.id, len(r.yields) >= r.cfg.Limits.MaxPeers && y == nil:
		return
	case r.heard(target, now):
		r.log.Warn("takeover not acknowledged: the target lives", "target", m.Target.String(), "by", p.id.String())
		return
	case ours != nil && !r.cfg.Arbitration.beats(p.id, r.cfg.ServerID):
		return // the peer will give in to us
	case y != nil && y.to != p.id && !r.cfg.Arbitration.beats(p.id, y.to):
		return // it will give in to the one that we agreed with
	}
	if ours != nil {
		r.abandon(ours)
	}
	if y == nil {
		y = &yield{}
		r.yields[m.Target] = y
	}
	y.to = p.id
	// RFC 5353 does not say what becomes of the target when the initiator dies as well.
	r.set(&y.alarm, r.cfg.Timers.MaxTimeLastHeard, func(now time.Time) { r.reconsider(m.Target, now) })
	if target != nil {
		target.active = false
		target.alarm.stop()
	}
	s.send(&wire.InitTakeoverAck{Sender: r.cfg.ServerID, Receiver: p.id, Target: m.Target})
}

// reconsider monitors a target again that a peer wanted to take over and did not.
func (r *Registrar) reconsider(target wire.ServerID, now time.Time) {
	delete(r.yields, target)
	if p := r.peers[target]; p != nil && !p.active {
		p.active = true
		r.silent(p, now)
	}
}

// initTakeoverAck counts an agreement with our takeover.
func (r *Registrar) initTakeoverAck(p *peer, m *wire.InitTakeoverAck) {
	if t := r.takeovers[m.Target]; t != nil {
		r.acknowledged(t, p.id)
	}
}

// takeoverServer gives the elements of a registrar that is gone to the peer that took it
// over (RFC 5353 section 3.5.2), if it is the one that we agreed with. Nobody takes over
// this registrar or one that it hears.
func (r *Registrar) takeoverServer(p *peer, m *wire.TakeoverServer, now time.Time) {
	y := r.yields[m.Target]
	reason := ""
	switch {
	case m.Target == r.cfg.ServerID, m.Target == p.id, r.heard(r.peers[m.Target], now):
		reason = "the target is alive"
	case y == nil || y.to != p.id:
		reason = "nobody agreed to it"
	}
	if reason != "" {
		r.stats.Refused[peerName]++
		r.log.Warn("refused", "message", m.Name(), "peer", p.id.String(), "defence", peerName, "reason", reason)
		if m.Target == r.cfg.ServerID {
			r.announcePresence() // our checksum tells the others that our elements are still ours
		}
		return
	}
	y.alarm.stop()
	delete(r.yields, m.Target)
	r.inherit(m.Target, now)
	moved := r.space.Rehome(m.Target, p.id)
	r.removePeer(m.Target)
	r.log.Info("taken over", "target", m.Target.String(), "by", p.id.String(), "elements", len(moved))
}
