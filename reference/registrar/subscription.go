// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// subscription is who wants to be told when a pool changes (RFC 5352 section 2.2.5, S bit).
// The zero time has never told anybody.
type subscription struct {
	sessions map[*session]struct{}
	told     time.Time
	alarm    alarm
}

// subscribe notes the wish of s and tells whether it is granted, the A bit.
func (r *Registrar) subscribe(s *session, handle string) bool {
	if _, already := s.subscribed[handle]; already {
		return true
	}
	if len(s.subscribed) >= r.cfg.Limits.MaxSubscriptions {
		return false
	}
	s.subscribed[handle] = struct{}{}
	p := r.pools[handle]
	if p == nil {
		p = &subscription{sessions: make(map[*session]struct{})}
		r.pools[handle] = p
	}
	p.sessions[s] = struct{}{}
	return true
}

// unsubscribe ends all subscriptions of s with its association.
func (r *Registrar) unsubscribe(s *session) {
	for handle := range s.subscribed {
		r.unsubscribePool(s, handle)
	}
}

func (r *Registrar) unsubscribePool(s *session, handle string) {
	delete(s.subscribed, handle)
	p := r.pools[handle]
	if p == nil {
		return
	}
	if delete(p.sessions, s); len(p.sessions) == 0 {
		p.alarm.stop()
		delete(r.pools, handle)
	}
}

// changed has the subscribers of a pool told, at once or, so that a pool that changes all
// the time is no flood, when Timers.SubscriptionSpacing is over.
func (r *Registrar) changed(handle string) {
	p := r.pools[handle]
	if p == nil {
		return
	}
	// Through a timer in any case: the change is complete when it fires.
	wait := time.Duration(0)
	if !p.told.IsZero() {
		wait = r.cfg.Timers.SubscriptionSpacing - time.Since(p.told)
	}
	r.set(&p.alarm, wait, func(now time.Time) {
		p.told = now
		r.tell(handle, p)
	})
}

// tell sends the pool as it is now. When it is gone, so are its subscriptions (RFC 5352
// section 2.2.5).
func (r *Registrar) tell(handle string, p *subscription) {
	answer, _ := r.poolAnswer(wire.PoolHandle(handle), r.cfg.Limits.MaxResolution) // without a ticket: that is for one user
	answer.UpdatesAccepted = len(answer.Causes) == 0
	b, err := answer.Append(nil, &r.cfg.Wire)
	if err != nil {
		r.log.Error("message cannot be encoded", "message", answer.Name(), "error", err)
		return
	}
	for s := range p.sessions {
		s.sendBytes(b)
		if !answer.UpdatesAccepted {
			r.unsubscribePool(s, handle)
		}
	}
}
