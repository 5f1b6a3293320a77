// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

type elementKey struct {
	handle string
	id     wire.PEID
}

// state of the watch over one element.
type watchState uint8

const (
	watchIdle     watchState = iota // the timer runs to the next idle keep-alive
	watchSpacing                    // a keep-alive is wanted, but the last one was too recent
	watchAwaiting                   // a keep-alive was sent; the timer runs to its time-out
	watchOrphaned                   // the association is gone; the timer runs to the removal
	watchClaimed                    // taken over, and not yet reached; no timer runs
)

// liveness watches one element that this registrar owns. There is at most one keep-alive
// under way to an element: whoever wants another meanwhile is served by that one, so that a
// flood of unreachable reports is not reflected as a flood of keep-alives (draft 2.14).
type liveness struct {
	key     elementKey
	session *session // the association that the element registered from; nil when orphaned
	state   watchState
	sent    time.Time // the last keep-alive
	newHome bool      // the next keep-alive claims the element (RFC 5353 section 3.5.2)
	reports int       // of its being unreachable
	alarm   alarm
}

// arm moves l to state and calls r.watchTimer after d.
func (r *Registrar) arm(l *liveness, state watchState, d time.Duration) {
	l.state = state
	r.set(&l.alarm, d, func(now time.Time) { r.watchTimer(l, now) })
}

// spread varies the idle cycle by plus/minus 50 percent (RFC 5352 section 3.5).
func (r *Registrar) spread() time.Duration {
	return time.Duration(float64(r.cfg.Timers.KeepAlive) * (0.5 + r.cfg.Rand.Float64()))
}

// watch begins or renews the watch over an element after its registration. A keep-alive
// that is under way goes on: a re-registration does not answer it.
func (r *Registrar) watch(s *session, handle []byte, id wire.PEID) {
	key := elementKey{string(handle), id}
	l := r.live[key]
	if l == nil {
		l = &liveness{key: key}
		r.live[key] = l
	} else if l.session == s {
		return
	}
	if l.session != nil {
		delete(l.session.serves, l)
	}
	l.session = s
	s.serves[l] = struct{}{}
	l.newHome = false // it came by itself
	if l.state == watchIdle || l.state == watchOrphaned || l.state == watchClaimed {
		r.arm(l, watchIdle, r.spread())
	}
}

func (r *Registrar) unwatch(handle []byte, id wire.PEID) {
	key := elementKey{string(handle), id}
	if l := r.live[key]; l != nil {
		l.alarm.stop()
		if l.session != nil {
			delete(l.session.serves, l)
		}
		delete(r.live, key)
	}
}

// orphan gives the elements of an ended association some time to come back.
func (r *Registrar) orphan(s *session) {
	if r.closed {
		return
	}
	for l := range s.serves {
		l.session = nil
		r.arm(l, watchOrphaned, r.cfg.Timers.KeepAliveTimeout)
	}
	clear(s.serves)
}

// probe asks for a keep-alive to the element, at once or as soon as its spacing allows.
func (r *Registrar) probe(l *liveness, now time.Time) {
	if l.state != watchIdle {
		return
	}
	if wait := r.cfg.Timers.KeepAliveSpacing - now.Sub(l.sent); !l.sent.IsZero() && wait > 0 {
		r.arm(l, watchSpacing, wait)
		return
	}
	r.keepAlive(l, now)
}

// reflect sends keep-alives at once to the elements that which accepts. See Config.ReflectReports.
func (r *Registrar) reflect(now time.Time, which func(*liveness) bool) {
	for _, l := range r.live {
		if l.session != nil && which(l) {
			r.keepAlive(l, now)
		}
	}
}

func (r *Registrar) keepAlive(l *liveness, now time.Time) {
	l.sent = now
	l.session.send(&wire.EndpointKeepAlive{NewHome: l.newHome, Server: r.cfg.ServerID, PoolHandle: wire.PoolHandle(l.key.handle), PEID: l.key.id, HasPEID: r.cfg.Wire.KeepAlivePEID})
	l.newHome = false
	r.arm(l, watchAwaiting, r.cfg.Timers.KeepAliveTimeout)
}

func (r *Registrar) watchTimer(l *liveness, now time.Time) {
	switch l.state {
	case watchIdle, watchSpacing:
		r.keepAlive(l, now)
	case watchAwaiting:
		// An element that lives, behind a network that was cut, would never learn of it: its
		// association may go on. It is told as of the end of its life (RFC 5352 section 3.2).
		l.session.send(&wire.DeregistrationResponse{PoolHandle: wire.PoolHandle(l.key.handle), PEID: l.key.id})
		r.remove([]byte(l.key.handle), l.key.id, "keep-alive not acknowledged", now)
	case watchOrphaned:
		r.remove([]byte(l.key.handle), l.key.id, "association lost", now)
	}
}

// keepAliveAck takes note that an element lives (RFC 5352 section 3.4). Only its owner can
// say so (draft section 2.3).
func (r *Registrar) keepAliveAck(s *session, m *wire.EndpointKeepAliveAck, now time.Time) {
	q := s.query(m, now)
	q.about(r.space, m.PoolHandle, m.PEID)
	if r.refused(&q) != nil {
		if s.principal.Role == RoleNone {
			s.dismiss()
		}
		return
	}
	l := r.live[elementKey{string(m.PoolHandle), m.PEID}]
	if l != nil && l.state == watchAwaiting {
		r.arm(l, watchIdle, r.spread())
	}
}
