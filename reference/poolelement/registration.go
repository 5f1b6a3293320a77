// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// sendRegistration registers or re-registers m with the home (RFC 5352 section 3.1, R2 to
// R4). The number of attempts without an answer never exceeds MAX-REG-ATTEMPT.
func (e *Element) sendRegistration(m *member) {
	request, err := m.pool.registration(e.home.peer.Info), error(nil)
	if e.cfg.PolicySigner != nil {
		err = e.cfg.PolicySigner.Sign(time.Now(), m.pool.Handle, &request.Element)
	}
	if err != nil || !e.home.send(request) {
		m.state = stateFailed // cannot be encoded for this association; it was logged
		ev := m.event(RegistrationFailed)
		ev.Err = fmt.Errorf("%w %s: registration cannot be encoded", ErrPool, m.pool.Handle)
		if err != nil {
			ev.Err = fmt.Errorf("%w %s: %w", ErrPool, m.pool.Handle, err)
		}
		e.emit(ev)
		return
	}
	e.stats.Registrations++
	m.attempts++
	m.state, m.asked, m.sent, m.known = stateRegistering, e.home, m.pool.clone(), true
	m.arm(e.cfg.Timers.Registration, func() { // T2
		e.loseHome(m.asked, fmt.Errorf("%w: registration in pool %s", ErrNoAnswer, m.pool.Handle))
	})
}

// giveUp reports a registration that was not answered MAX-REG-ATTEMPT times.
func (e *Element) giveUp(m *member) {
	m.state, m.asked, m.rejected = stateFailed, nil, false
	ev := m.event(RegistrationFailed)
	ev.Err = fmt.Errorf("%w %s: %d attempts: %w", ErrPool, m.pool.Handle, m.attempts, ErrNoAnswer)
	e.emit(ev)
	if e.cfg.Timers.Retry > 0 {
		m.arm(e.cfg.Timers.Retry, func() { e.restart(m) })
	}
}

// restart registers m anew.
func (e *Element) restart(m *member) {
	m.stop()
	m.state, m.asked, m.attempts = stateWaiting, nil, 0
	e.advance(m)
}

// change makes m say what p says.
func (e *Element) change(m *member, p Pool) error {
	switch m.state {
	case stateLeaving, stateGone:
		return fmt.Errorf("%w %s: is being left", ErrPool, p.Handle)
	case stateFailed:
		if m.rejected && p.equal(m.sent) {
			return fmt.Errorf("%w: %s", ErrNotCorrected, p.Handle)
		}
		m.pool = p
		e.restart(m)
	case stateRegistered:
		m.pool = p
		e.restart(m)
	default: // what is out now is followed by the change
		m.pool = p
	}
	return nil
}

// registrationResponse takes the answer to the outstanding registration of a member, and
// no other: not one from another registrar, and not one that was not asked for.
func (e *Element) registrationResponse(s *session, r *wire.RegistrationResponse) {
	m := e.member(r.PoolHandle)
	if m == nil || m.state != stateRegistering || m.asked != s || m.pool.ID != r.PEID {
		e.ignore(s, r)
		return
	}
	e.serve(s)
	if r.Reject {
		e.reject(m, r.Causes)
		return
	}
	m.state, m.confirmed = stateRegistered, true
	ev := m.event(Registered)
	ev.Causes = cloneCauses(r.Causes)
	e.emit(ev)
	if !m.pool.equal(m.sent) { // changed meanwhile
		e.restart(m)
		return
	}
	m.arm(e.cfg.Timers.reregistration(m.pool.Life), func() { e.restart(m) }) // T4
}

// reject ends the attempts of m until its user corrects the registration.
func (e *Element) reject(m *member, causes []wire.Cause) {
	m.stop()
	m.state, m.rejected, m.attempts = stateFailed, true, 0
	m.known = m.confirmed // a rejected re-registration leaves what was granted before
	ev := m.event(Rejected)
	ev.Causes = cloneCauses(causes)
	m.asked = nil
	e.emit(ev)
	if !m.pool.equal(m.sent) { // corrected meanwhile
		e.restart(m)
	}
}

func cloneCauses(causes []wire.Cause) []wire.Cause {
	var c []wire.Cause
	for _, cause := range causes {
		c = append(c, wire.Cause{Code: cause.Code, Info: append([]byte(nil), cause.Info...)})
	}
	return c
}
