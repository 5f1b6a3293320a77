// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// takeover is our attempt to take over a registrar (RFC 5353 section 3.5).
type takeover struct {
	target  *peer
	pending map[wire.ServerID]struct{} // who has not yet acknowledged
	alarm   alarm
}

// startTakeover begins the arbitration (RFC 5353 section 3.5.1): every peer that is not
// itself given up has to agree. The RFC does not say how long to wait for them; who has not
// answered after MAX-TIME-NO-RESPONSE objects, most likely since it hears the target. If the
// target stays silent, the next attempt is a heartbeat later.
func (r *Registrar) startTakeover(target *peer) {
	if r.takeovers[target.id] != nil || !target.active {
		return
	}
	t := &takeover{target: target, pending: make(map[wire.ServerID]struct{})}
	r.takeovers[target.id] = t
	r.log.Warn("takeover begins", "target", target.id.String())
	m := wire.InitTakeover{Sender: r.cfg.ServerID, Target: target.id}
	for id, p := range r.peers {
		if id != target.id && p.active && r.takeovers[id] == nil {
			t.pending[id] = struct{}{}
		}
		if s := p.session(); s != nil { // the target is told as well, it may object
			s.send(&m)
		}
	}
	r.set(&t.alarm, r.cfg.Timers.MaxTimeNoResponse, func(time.Time) {
		r.log.Warn("takeover not agreed to", "target", target.id.String(), "silent", len(t.pending))
		r.abandon(t)
		for _, s := range target.sessions {
			s.dismiss() // if only the association is dead, a new one is set up
		}
		r.set(&target.alarm, r.cfg.Timers.PeerHeartbeat, func(now time.Time) { r.silent(target, now) })
	})
	r.finish(t)
}

// abandon gives an attempt up. Whether the target is monitored further is the caller's question.
func (r *Registrar) abandon(t *takeover) {
	t.alarm.stop()
	if r.takeovers[t.target.id] == t {
		delete(r.takeovers, t.target.id)
	}
}

// acknowledged notes that a peer does not object, or cannot.
func (r *Registrar) acknowledged(t *takeover, by wire.ServerID) {
	if _, waiting := t.pending[by]; waiting {
		delete(t.pending, by)
		r.finish(t)
	}
}

// finish completes a takeover that everybody agreed to (RFC 5353 section 3.5.2).
func (r *Registrar) finish(t *takeover) {
	if len(t.pending) > 0 || r.takeovers[t.target.id] != t {
		return
	}
	r.abandon(t)
	m := wire.TakeoverServer{Sender: r.cfg.ServerID, Target: t.target.id}
	for id, p := range r.peers {
		if s := p.session(); s != nil && id != t.target.id {
			s.send(&m)
		}
	}
	r.removePeer(t.target.id)
	r.inherit(t.target.id, time.Now())
	moved := r.space.Rehome(t.target.id, r.cfg.ServerID)
	r.stats.Takeovers++
	r.log.Warn("taken over", "target", t.target.id.String(), "elements", len(moved))
	r.claim(moved)
}
