// SPDX-License-Identifier: Apache-2.0

package registrar

import "time"

// beat announces our presence every PEER-HEARTBEAT-CYCLE (RFC 5353 section 3.4.2).
func (r *Registrar) beat() {
	r.set(&r.heartbeat, r.cfg.Timers.PeerHeartbeat, func(time.Time) {
		r.announcePresence()
		r.beat()
	})
}

// announcePresence tells all peers that we live. RFC 5353 section 3.1 allows announcements
// over the associations; there is no multicast among registrars here, since nobody could
// authenticate it (draft section 2.5).
func (r *Registrar) announcePresence() {
	for _, p := range r.peers {
		if s := p.session(); s != nil {
			r.sendPresence(s, false)
		}
	}
}

// monitor waits for MAX-TIME-LAST-HEARD of silence (RFC 5353 section 3.4.3).
func (r *Registrar) monitor(p *peer) {
	r.set(&p.alarm, r.cfg.Timers.MaxTimeLastHeard, func(now time.Time) { r.silent(p, now) })
}

// silent asks a peer for a sign of life that has not been heard for too long.
func (r *Registrar) silent(p *peer, now time.Time) {
	if rest := r.cfg.Timers.MaxTimeLastHeard - now.Sub(p.lastHeard); rest > 0 {
		r.set(&p.alarm, rest, func(now time.Time) { r.silent(p, now) })
		return
	}
	s := p.session()
	if s == nil {
		r.dead(p, now) // nothing can be sent
		return
	}
	r.sendPresence(s, true)
	asked := now
	r.set(&p.alarm, r.cfg.Timers.MaxTimeNoResponse, func(now time.Time) {
		if p.lastHeard.After(asked) {
			r.monitor(p)
			return
		}
		r.dead(p, now)
	})
}

// dead gives a peer up.
func (r *Registrar) dead(p *peer, now time.Time) {
	r.log.Warn("peer considered dead", "peer", p.id.String(), "silent", now.Sub(p.lastHeard))
	for _, t := range r.takeovers {
		r.acknowledged(t, p.id) // it will not answer
	}
	if !r.ready {
		r.monitor(p)
		return
	}
	r.startTakeover(p)
}
