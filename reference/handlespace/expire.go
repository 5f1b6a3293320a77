// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"math"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// never is the expiry of an element whose life is infinite.
const never = time.Duration(math.MaxInt64)

// schedule sets when the element's life ends, counted from now.
func (s *Space) schedule(e *element, now time.Time) {
	if e.pe.Life == wire.LifeInfinite {
		e.expires = never
		s.timers.remove(e)
		return
	}
	e.expires = now.Sub(s.epoch) + time.Duration(e.pe.Life)*time.Second
	s.timers.set(e)
}

// NextExpiry returns when the next life ends, if any does.
func (s *Space) NextExpiry() (time.Time, bool) {
	e := s.timers.first()
	if e == nil {
		return time.Time{}, false
	}
	return s.epoch.Add(e.expires), true
}

// Expire removes the elements, own and others, whose life has ended at now, and
// returns them in the order in which they ended.
func (s *Space) Expire(now time.Time) []Element {
	var gone []Element
	at := now.Sub(s.epoch)
	for e := s.timers.first(); e != nil && e.expires <= at; e = s.timers.first() {
		gone = append(gone, s.view(e))
		s.remove(e)
	}
	return gone
}
