// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// scheduleExpiry sets the one timer that ends registrations whose life has run out.
func (r *Registrar) scheduleExpiry(now time.Time) {
	next, ok := r.space.NextExpiry()
	if r.expiry != nil {
		r.expiry.Stop()
	}
	if ok && !r.closed {
		r.expiry = time.AfterFunc(max(0, next.Sub(now)), r.expire)
	}
}

// expire removes what has outlived its registration and tells the element with a
// deregistration response, as RFC 5352 section 3.2 has it.
func (r *Registrar) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := time.Now()
	for _, e := range r.space.Expire(now) {
		key := elementKey{e.Handle, e.PE.ID}
		if l := r.live[key]; l != nil && l.session != nil {
			l.session.send(&wire.DeregistrationResponse{PoolHandle: wire.PoolHandle(e.Handle), PEID: e.PE.ID})
		}
		r.released([]byte(e.Handle), e.PE.ID, now)
		r.stats.Removed++
		r.log.Info("removed", "pool", wire.PoolHandle(e.Handle).String(), "pe", e.PE.ID.String(), "why", "registration life ended")
		if e.PE.Home == r.cfg.ServerID { // another home speaks for its elements itself
			r.announce(wire.DelPE, []byte(e.Handle), &e.PE)
		}
	}
	r.scheduleExpiry(now)
}
