// SPDX-License-Identifier: Apache-2.0

package registrar

import "time"

// alarm is a timer that belongs to the state it is about: one that fires late, after it was
// stopped or set anew, does nothing. The zero value is not set.
type alarm struct {
	timer *time.Timer
	seq   uint64 // moves on whenever what was set before no longer counts
}

func (a *alarm) stop() {
	a.seq++
	if a.timer != nil {
		a.timer.Stop()
	}
}

// set has f called after d with the registrar's lock held, unless a is stopped or set anew
// before. The caller holds the lock.
func (r *Registrar) set(a *alarm, d time.Duration, f func(now time.Time)) {
	a.stop()
	seq := a.seq
	a.timer = time.AfterFunc(max(0, d), func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.closed || a.seq != seq {
			return
		}
		f(time.Now())
	})
}
