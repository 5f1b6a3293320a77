// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// deregistration removes an element at its own request (RFC 5352 section 3.2). An element
// that is not there counts as removed. The response has no reject flag: an error cause in
// it means that the request was refused.
func (r *Registrar) deregistration(s *session, m *wire.Deregistration, now time.Time) {
	q := s.query(m, now)
	q.about(r.space, m.PoolHandle, m.PEID)
	answer := wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID}
	if refusal := r.refused(&q); refusal != nil {
		answer.Causes = []wire.Cause{{Code: refusal.Cause}}
		s.send(&answer)
		return
	}
	r.remove(m.PoolHandle, m.PEID, "deregistered", now)
	s.send(&answer)
}

// remove takes an element out of the handlespace and tells the peers; nothing happens
// when it is not there.
func (r *Registrar) remove(handle []byte, id wire.PEID, why string, now time.Time) {
	element, ok := r.space.Deregister(handle, id)
	r.unwatch(handle, id)
	if !ok {
		return
	}
	r.stats.Removed++
	r.log.Info("removed", "pool", wire.PoolHandle(handle).String(), "pe", id.String(), "why", why)
	r.scheduleExpiry(now)
	r.changed(element.Handle)
	r.announce(wire.DelPE, handle, &element.PE)
}
