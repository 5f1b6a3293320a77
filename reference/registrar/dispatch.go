// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"errors"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// handle processes one message under the lock. The message is only valid during the call.
func (r *Registrar) handle(s *session, m wire.Message, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || s.closed || s.dismissed {
		return
	}
	switch m := m.(type) {
	case *wire.Registration:
		r.registration(s, m, now)
	case *wire.Deregistration:
		r.deregistration(s, m, now)
	case *wire.HandleResolution:
		r.resolution(s, m, now)
	case *wire.EndpointKeepAliveAck:
		r.keepAliveAck(s, m, now)
	case *wire.EndpointUnreachable:
		r.unreachable(s, m, now)
	default:
		q := s.query(m, now)
		if r.refused(&q) != nil {
			s.dismiss()
			return
		}
		r.enrp(s, m, now)
	}
	r.reportUnrecognized(s, m)
}

// refused asks the defences and keeps count.
func (r *Registrar) refused(q *Query) *Refusal {
	refusal := r.cfg.Defences.Refuse(q)
	if refusal != nil {
		r.stats.Refused[refusal.Defence]++
		r.log.Warn("refused", "message", q.Message.Name(), "from", q.Origin.Info.Remote,
			"identity", q.Principal.Name, "defence", refusal.Defence, "reason", refusal.Reason)
	}
	return refusal
}

// tlsHandshake is the first octet of a TLS session, and no type of ASAP or ENRP: its action
// bits say to discard it, but a TLS client at a clear door would wait for an answer for
// nothing.
const tlsHandshake = 0x16

// undecodable deals with a message that the codec refused and tells whether the
// association may go on: an unknown type is handled by its action bits (RFC 5354 section
// 2), one that is in order but above a limit of the codec is answered with lack of resources,
// and everything else is malformed and ends the association.
func (r *Registrar) undecodable(s *session, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Malformed++
	r.log.Warn("undecodable message", "from", s.origin.Info.Remote, "error", err)
	var d *wire.DecodeError
	if errors.Is(err, wire.ErrTooLarge) && s.principal.Role != RoleNone {
		r.sendError(s, []wire.Cause{{Code: wire.CauseLackOfResources}})
		return true
	}
	if !errors.As(err, &d) || (!errors.Is(err, wire.ErrUnknownMessage) && !errors.Is(err, wire.ErrUnknownParameter)) {
		return false
	}
	if d.Type == tlsHandshake && !s.origin.Info.Secured {
		return false
	}
	// A node that is not authenticated is told nothing: its address may be a victim's.
	if cause, owed := d.Report(); owed && s.principal.Role != RoleNone {
		r.sendError(s, []wire.Cause{cause})
	}
	return true
}

// reportUnrecognized answers parameters that were skipped but have to be reported
// (type bits 11, RFC 5354 section 2).
func (r *Registrar) reportUnrecognized(s *session, m wire.Message) {
	if s.principal.Role == RoleNone {
		return
	}
	var causes []wire.Cause
	for _, p := range m.Unrecognized() {
		if p.Report() {
			causes = append(causes, wire.CauseOfParameter(p))
		}
	}
	if len(causes) > 0 {
		r.sendError(s, causes)
	}
}

func (r *Registrar) sendError(s *session, causes []wire.Cause) {
	if s.origin.Protocol == wire.ENRP {
		s.send(&wire.ENRPError{Sender: r.cfg.ServerID, Receiver: s.peer, Causes: causes})
		return
	}
	s.send(&wire.ASAPError{Causes: causes})
}
