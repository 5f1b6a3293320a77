// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// handle processes one message, which is only valid during the call. An error ends the
// association: the node at its far end has sent what it must not.
func (e *Element) handle(s *session, m wire.Message, now time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || s.retired {
		return nil
	}
	q := Query{Now: now, Peer: &s.peer, Message: m}
	if e.home != nil {
		q.Home = e.home.peer.Server
	}
	if err := e.cfg.Defences.Sender.Refuse(&q); err != nil {
		e.stats.Ignored++
		e.refusedHome(s, m, err)
		return err
	}
	switch m := m.(type) {
	case *wire.RegistrationResponse:
		e.registrationResponse(s, m)
	case *wire.DeregistrationResponse:
		e.deregistrationResponse(s, m)
	case *wire.EndpointKeepAlive:
		e.keepAlive(s, m, &q)
	case *wire.ASAPError:
		e.peerError(s, m)
	default:
		e.ignore(s, m)
	}
	e.reportUnrecognized(s, m)
	return nil
}

// ignore counts a message that means nothing where it came.
func (e *Element) ignore(s *session, m wire.Message) {
	e.stats.Ignored++
	e.log.Debug("message ignored", "message", m.Name(), "from", s.peer.Info.Remote)
}

// peerError takes an ASAP_ERROR. A secured registrar may answer a registration that came in
// clear with one (RFC 5352 section 9.3); then what was asked of it is rejected.
func (e *Element) peerError(s *session, m *wire.ASAPError) {
	e.emit(Event{Kind: PeerError, Server: s.peer.Server, Remote: s.peer.Info.Remote, Causes: cloneCauses(m.Causes)})
	for _, c := range m.Causes {
		if c.Code != wire.CauseSecurity {
			continue
		}
		for _, member := range e.members {
			if member.state == stateRegistering && member.asked == s {
				e.serve(s)
				e.reject(member, m.Causes)
			}
		}
		return
	}
}

// undecodable deals with a message that the codec refused and tells whether the association
// may go on: what is unknown is handled by its action bits (RFC 5354 sections 2 and 3),
// everything else is malformed and costs its sender the association.
func (e *Element) undecodable(s *session, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.Malformed++
	e.log.Warn("undecodable message", "from", s.peer.Info.Remote, "error", err)
	var d *wire.DecodeError
	known := !errors.Is(err, wire.ErrUnknownMessage) && !errors.Is(err, wire.ErrUnknownParameter)
	// A stranger is told nothing: its address may be a victim's.
	if known || !errors.As(err, &d) || s.peer.Role != RegistrarRole {
		return false
	}
	// An error about an error could go back and forth for ever.
	if cause, owed := d.Report(); owed && d.Type != wire.TypeASAPError {
		s.send(&wire.ASAPError{Causes: []wire.Cause{cause}})
	}
	return true
}

// reportUnrecognized answers parameters that were skipped but have to be reported (type
// bits 11, RFC 5354 section 3).
func (e *Element) reportUnrecognized(s *session, m wire.Message) {
	if _, isError := m.(*wire.ASAPError); isError {
		return
	}
	var causes []wire.Cause
	for _, p := range m.Unrecognized() {
		if p.Report() {
			causes = append(causes, wire.CauseOfParameter(p))
		}
	}
	if len(causes) > 0 {
		s.send(&wire.ASAPError{Causes: causes})
	}
}
