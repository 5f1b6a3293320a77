// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrDeregistrationRefused: the registrar answered a deregistration with an error cause.
var ErrDeregistrationRefused = errors.New("poolelement: deregistration refused")

// leave begins the deregistration of m. A member that no registrar can know has just gone.
func (e *Element) leave(m *member) {
	switch {
	case m.state == stateLeaving || m.state == stateGone:
		return
	case !m.known:
		e.finish(m, nil, nil)
		return
	}
	m.stop()
	m.state, m.asked, m.attempts = stateLeaving, nil, 0
	e.advance(m)
}

// sendDeregistration asks the home to remove m (RFC 5352 section 3.2, D1 to D4).
func (e *Element) sendDeregistration(m *member) {
	if !e.home.send(&wire.Deregistration{PoolHandle: m.pool.Handle, PEID: m.pool.ID}) {
		e.finish(m, fmt.Errorf("%w %s: deregistration cannot be encoded", ErrPool, m.pool.Handle), nil)
		return
	}
	m.attempts++
	m.asked = e.home
	m.arm(e.cfg.Timers.Deregistration, func() { // T3
		e.loseHome(m.asked, fmt.Errorf("%w: deregistration from pool %s", ErrNoAnswer, m.pool.Handle))
	})
}

// deregistrationResponse takes the answer to a deregistration, or the news that the
// registration has expired (RFC 5352 section 3.2), from the home only.
func (e *Element) deregistrationResponse(s *session, r *wire.DeregistrationResponse) {
	m := e.member(r.PoolHandle)
	switch {
	case m == nil || m.asked != s || m.pool.ID != r.PEID:
		e.ignore(s, r)
	case m.state == stateLeaving && len(r.Causes) > 0:
		e.serve(s)
		e.finish(m, fmt.Errorf("%w: pool %s: %s", ErrDeregistrationRefused, m.pool.Handle, r.Causes[0].Code), cloneCauses(r.Causes))
	case m.state == stateLeaving:
		e.serve(s)
		e.finish(m, nil, nil)
	case m.state == stateRegistered && len(r.Causes) == 0:
		e.emit(m.event(Expired))
		m.state, m.asked, m.confirmed = stateWaiting, nil, false
		m.arm(e.cfg.Timers.ExpiredPause, func() { e.restart(m) })
	default:
		e.ignore(s, r)
	}
}
