// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// unreachable verifies an ASAP_ENDPOINT_UNREACHABLE (RFC 5352 section 3.5): it asks the
// element itself, with a keep-alive, and believes the element.
//
// The RFC also lets a counter of reports remove an element that answers (MAX-BAD-PE-REPORT,
// a SHOULD). That would let anybody who may report take a live element out of its pool
// (draft section 2.13), so this registrar leaves it out: see Config.MaxBadPEReports.
func (r *Registrar) unreachable(s *session, m *wire.EndpointUnreachable, now time.Time) {
	q := s.query(m, now)
	q.about(r.space, m.PoolHandle, m.PEID)
	if r.refused(&q) != nil {
		if s.principal.Role == RoleNone {
			s.dismiss()
		}
		return
	}
	l := r.live[elementKey{string(m.PoolHandle), m.PEID}]
	if l == nil {
		return
	}
	l.reports++
	if limit := r.cfg.MaxBadPEReports; limit > 0 && l.reports > limit {
		r.remove(m.PoolHandle, m.PEID, "reported unreachable too often", now)
		return
	}
	if r.cfg.ReflectReports && l.session != nil {
		r.keepAlive(l, now)
		return
	}
	r.probe(l, now)
}
