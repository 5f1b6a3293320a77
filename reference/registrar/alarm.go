// SPDX-License-Identifier: Apache-2.0

package registrar

import "time"

// alarm is a timer that belongs to the state it is about: one that fires late, after it was
// stopped or set anew, does nothing. The zero value is not set.
type alarm struct {
	timer *time.Timer
	seq   uint64  // moves on whenever what was set before no longer counts
	armed *alarms // where it stands while it is set
}

// alarms are all that are set, so that Close stops every one: a timer that is left running
// keeps a closed registrar in memory.
type alarms map[*alarm]struct{}

func (a *alarm) stop() {
	a.seq++
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.armed != nil {
		delete(*a.armed, a)
	}
}

// set has f called after d with the registrar's lock held, unless a is stopped or set anew
// before. The caller holds the lock.
func (r *Registrar) set(a *alarm, d time.Duration, f func(now time.Time)) {
	a.stop()
	if r.closed {
		return
	}
	seq := a.seq
	a.armed = &r.armed
	r.armed[a] = struct{}{}
	a.timer = time.AfterFunc(max(0, d), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.closed || a.seq != seq {
			return
		}
		delete(r.armed, a)
		f(time.Now())
	})
}
