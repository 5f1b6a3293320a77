// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"errors"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// registration grants or rejects an ASAP_REGISTRATION (RFC 5352 section 3.1). The sender
// is always answered; a rejection changes nothing and is not announced to peers.
func (r *Registrar) registration(s *session, m *wire.Registration, now time.Time) {
	q := s.query(m, now)
	q.about(r.space, m.PoolHandle, m.Element.ID)
	q.Element = &m.Element
	answer := wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID}
	if refusal := r.refused(&q); refusal != nil {
		answer.Reject, answer.Causes = true, []wire.Cause{{Code: refusal.Cause}}
		s.send(&answer)
		return
	}
	if causes := r.store(s, m, now); causes != nil {
		answer.Reject, answer.Causes = true, causes
		s.send(&answer)
		return
	}
	s.send(&answer)
	if r.cfg.ReflectRegistrations {
		r.reflect(now, func(l *liveness) bool { return l.key == elementKey{string(m.PoolHandle), m.Element.ID} })
	}
}

// store puts the element into the handlespace as one of our own and tells the peers.
func (r *Registrar) store(s *session, m *wire.Registration, now time.Time) []wire.Cause {
	pe := m.Element
	pe.Home = r.cfg.ServerID
	if limit := r.cfg.Limits.MaxLife; limit >= 0 && (pe.Life < 0 || pe.Life > limit) {
		pe.Life = limit
	}
	// Rule 4: the transport address that the registration came from is the ASAP transport.
	pe.HasASAP = true
	pe.ASAP = wire.Transport{
		Kind: wire.TransportSCTP, Port: s.origin.Info.Remote.Port(), Use: wire.DataOnly,
		Addrs: []netip.Addr{s.origin.Info.Remote.Addr().Unmap()},
	}
	existing, found := r.space.Lookup(m.PoolHandle, pe.ID)
	if _, err := r.space.Register(now, m.PoolHandle, &pe, s.principal.Name); err != nil {
		causes := causesOf(err)
		r.log.Warn("registration rejected", "pool", m.PoolHandle.String(), "pe", pe.ID.String(), "error", err)
		return causes
	}
	r.stats.Registered++
	r.log.Info("registered", "pool", m.PoolHandle.String(), "pe", pe.ID.String(), "owner", s.principal.Name, "life", pe.Life)
	r.watch(s, m.PoolHandle, pe.ID)
	r.scheduleExpiry(now)
	if !found || !sameElement(&existing.PE, &pe) {
		r.changed(string(m.PoolHandle))
	}
	r.announce(wire.AddPE, m.PoolHandle, &pe)
	return nil
}

// causesOf translates what the handlespace refuses into RFC 5354 section 3.12 causes.
func causesOf(err error) []wire.Cause {
	var policy *handlespace.PolicyMismatchError
	var transport *handlespace.TransportMismatchError
	switch {
	case errors.As(err, &policy):
		return withInformation(wire.CauseOfPolicy(policy.Pool))
	case errors.As(err, &transport):
		return withInformation(wire.CauseOfTransport(transport.Pool))
	case errors.Is(err, handlespace.ErrUseMismatch):
		return []wire.Cause{{Code: wire.CauseInconsistentUse}}
	case errors.Is(err, handlespace.ErrInvalid):
		return []wire.Cause{{Code: wire.CauseUnspecified}}
	case errors.Is(err, handlespace.ErrFull):
		return []wire.Cause{{Code: wire.CauseLackOfResources}}
	default:
		return []wire.Cause{{Code: wire.CauseUnspecified}}
	}
}

// withInformation is the cause with what the pool has, or an unspecified one when that
// cannot be put into a parameter.
func withInformation(c wire.Cause, err error) []wire.Cause {
	if err != nil {
		return []wire.Cause{{Code: wire.CauseUnspecified}}
	}
	return []wire.Cause{c}
}
