// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"slices"
	"time"
)

// adopt makes s the home (RFC 5352 section 3.6, SH6) and sends it everything that waits for
// one. moved: the registrar has taken us over and knows our registrations. The caller holds
// e.mu.
func (e *Element) adopt(s *session, moved bool) {
	old := e.home
	e.home = s
	e.hunt.pause()
	if s.candidate != nil {
		s.candidate.proven = true
	}
	kind := HomeFound
	if moved {
		kind = HomeChanged
	}
	e.emit(Event{Kind: kind, Server: s.peer.Server, Remote: s.peer.Info.Remote})
	if e.cfg.Limits.Standby == 0 {
		e.hunt.cancelDials()
	}
	for _, m := range slices.Clone(e.members) {
		switch {
		case m.state == stateRegistered:
			m.asked = s // T4 goes on
			continue
		case m.asked != nil && m.asked == old:
			e.orphan(m) // the answer will not come
		}
		e.advance(m)
	}
	if old != nil {
		old.retire()
	}
	// Whom the element acknowledges takes itself for the home: there must be one only.
	for other := range e.sessions {
		if other != s && other.claims {
			other.retire()
		}
	}
	s.claims = false
}

// loseHome gives up the home s, which has ended or does not answer, and looks for another.
// The caller holds e.mu.
func (e *Element) loseHome(s *session, err error) {
	if e.home != s || s == nil {
		return
	}
	e.home = nil
	s.retire()
	if e.ended {
		return
	}
	e.emit(Event{Kind: HomeLost, Server: s.peer.Server, Remote: s.peer.Info.Remote, Err: err})
	if next := e.claimant(); next != nil {
		for _, m := range slices.Clone(e.members) {
			if m.state != stateRegistered {
				e.orphan(m)
			}
		}
		e.adopt(next, true)
		return
	}
	for _, m := range slices.Clone(e.members) {
		e.orphan(m)
	}
	if next := e.standby(); next != nil {
		e.adopt(next, false)
		return
	}
	steady := s.served && time.Since(s.since) >= e.cfg.Timers.ServerHunt
	if steady {
		e.hunt.reset(e.cfg.Timers.ServerHunt)
	}
	if steady && !errors.Is(err, ErrNoAnswer) {
		e.startHunt(nil) // a registrar that was restarted may be back at once
		return
	}
	// One that does not answer, or not for long, is left alone for this set: RFC 5352
	// section 3.1 wants a different server, and nobody is to make us dial without pause.
	e.startHunt(s.candidate)
}

// claimant returns an association of the home that it has claimed the element over while there
// was another one, nil if there is none.
func (e *Element) claimant() *session {
	for s := range e.sessions {
		if s.claims && !s.retired {
			return s
		}
	}
	return nil
}

// standby returns another association with an authenticated registrar, nil if there is none.
func (e *Element) standby() *session {
	var best *session
	for s := range e.sessions {
		if s.peer.Dialed && !s.retired && s.peer.Role == RegistrarRole && (best == nil || s.since.Before(best.since)) {
			best = s
		}
	}
	return best
}

// serve takes note that the registrar at s does its work. The caller holds e.mu.
func (e *Element) serve(s *session) {
	if !s.served {
		s.served = true
		e.hunt.settle(e.cfg.Timers.ServerHunt)
	}
}
