// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// maxResolutionBytes bounds handle and elements in a response, so that with header, policy and
// ticket it stays within the 65,535 octets of a message.
const maxResolutionBytes = 65_200

// resolution answers an ASAP_HANDLE_RESOLUTION (RFC 5352 section 3.3). The policy of the
// pool is always included, although it may be left out for round robin, because some pool
// users insist on it. Pool users need neither the ASAP transport nor do they get it. With the
// S bit, changes of the pool are told as long as the association lasts.
func (r *Registrar) resolution(s *session, m *wire.HandleResolution, now time.Time) {
	q := s.query(m, now)
	q.Handle = m.PoolHandle
	clearAllowed := !s.origin.Info.Secured && r.cfg.AnswerClearResolution
	if !clearAllowed {
		if refusal := r.refused(&q); refusal != nil {
			s.send(&wire.HandleResolutionResponse{PoolHandle: m.PoolHandle, Causes: []wire.Cause{{Code: refusal.Cause}}})
			return
		}
	}
	limit := r.cfg.Limits.MaxResolution
	if m.HasItems && m.Items > 0 && int64(m.Items) < int64(limit) {
		limit = int(m.Items)
	}
	answer, whole := r.poolAnswer(m.PoolHandle, limit)
	answer.Ticket = r.ticket(s.principal.Name, &answer, whole, now)
	answer.UpdatesAccepted = m.Subscribe && len(answer.Causes) == 0 && r.subscribe(s, string(m.PoolHandle))
	s.send(&answer)
}

// poolAnswer lists at most limit elements of a pool, or says that there is none. whole tells
// that none was left out.
func (r *Registrar) poolAnswer(handle wire.PoolHandle, limit int) (answer wire.HandleResolutionResponse, whole bool) {
	answer.PoolHandle = handle
	elements, policy, err := r.space.Resolve(handle, limit, nil)
	if err != nil {
		answer.Causes = []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}
		return answer, false
	}
	size := len(handle)
	whole = len(elements) < limit // with as many as that there may be more
	for i := range elements {
		elements[i].HasASAP = false
		if size += handlespace.EncodedSize(&elements[i]); size > maxResolutionBytes {
			elements, whole = elements[:i], false
			break
		}
	}
	answer.Policy, answer.HasPolicy, answer.Elements = policy, true, elements
	return answer, whole
}
