// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrNoAnswer: the registrar did not answer in time, as often as MAX-REG-ATTEMPT allows.
var ErrNoAnswer = errors.New("poolelement: no answer from the registrar")

type memberState uint8

const (
	stateWaiting     memberState = iota // is to be registered when there is a home
	stateRegistering                    // a registration is out, T2 runs
	stateRegistered                     // T4 runs
	stateFailed                         // rejected or given up; nothing is sent
	stateLeaving                        // is to be deregistered, or the deregistration is out and T3 runs
	stateGone
)

// member is the membership in one pool. Everything is guarded by Element.mu.
type member struct {
	e        *Element
	pool     Pool // what the user wants
	sent     Pool // what the last registration said
	state    memberState
	attempts int      // requests sent without an answer
	asked    *session // where the outstanding request went
	// known: a registration went out and was not rejected, so that a registrar may hold us.
	// confirmed: one was granted.
	known, confirmed bool
	rejected         bool // in stateFailed: sent was rejected, not just unanswered
	timer            *time.Timer
	seq              uint64        // a timer that fires late finds that seq has moved on
	gone             chan struct{} // closed with stateGone; err is set before
	err              error
}

func (m *member) stop() {
	m.seq++
	if m.timer != nil {
		m.timer.Stop()
	}
}

// arm calls f after d with the lock held, unless the member was stopped or armed again.
func (m *member) arm(d time.Duration, f func()) {
	m.stop()
	seq := m.seq
	m.timer = time.AfterFunc(d, func() {
		m.e.mu.Lock()
		defer m.e.mu.Unlock()
		if !m.e.ended && m.seq == seq {
			f()
		}
	})
}

// event is an event about m.
func (m *member) event(k EventKind) Event {
	ev := Event{Kind: k, Pool: m.pool.Handle, PEID: m.pool.ID}
	if m.asked != nil {
		ev.Remote, ev.Server = m.asked.peer.Info.Remote, m.asked.peer.Server
	}
	return ev
}

// advance sends what m has to send, or looks for a home to send it to.
func (e *Element) advance(m *member) {
	switch {
	case e.ended:
	case e.home == nil:
		e.startHunt(nil)
	case m.state == stateWaiting:
		e.sendRegistration(m)
	case m.state == stateLeaving && m.asked == nil:
		e.sendDeregistration(m)
	}
}

// orphan takes back what m has asked of a home that is gone. A member that was registered
// there has to be registered with the next home.
func (e *Element) orphan(m *member) {
	switch m.state {
	case stateRegistering:
		m.stop()
		m.state, m.asked = stateWaiting, nil
		if m.attempts >= e.cfg.Limits.RegistrationAttempts {
			e.giveUp(m)
		}
	case stateRegistered:
		m.stop()
		m.state, m.asked, m.attempts = stateWaiting, nil, 0
	case stateLeaving:
		m.stop()
		m.asked = nil
		if m.attempts >= e.cfg.Limits.RegistrationAttempts {
			e.finish(m, fmt.Errorf("%w %s: deregistration: %w", ErrPool, m.pool.Handle, ErrNoAnswer), nil)
		}
	}
}

// finish ends a membership.
func (e *Element) finish(m *member, err error, causes []wire.Cause) {
	m.stop()
	ev := m.event(Deregistered)
	if err != nil {
		ev.Kind, ev.Err, ev.Causes = DeregistrationFailed, err, causes
	}
	m.state, m.asked, m.err = stateGone, nil, err
	for i, other := range e.members {
		if other == m {
			e.members = append(e.members[:i:i], e.members[i+1:]...)
			break
		}
	}
	for s := range e.sessions {
		if a := s.acks[m]; a != nil {
			a.stop()
			delete(s.acks, m)
		}
	}
	e.emit(ev)
	close(m.gone)
}

// needsHome tells whether any member has something to say to a registrar.
func (e *Element) needsHome() bool {
	for _, m := range e.members {
		if m.state != stateFailed {
			return true
		}
	}
	return false
}
