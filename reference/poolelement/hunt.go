// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// hunt is the search for a home (RFC 5352 section 3.6, SH1 to SH6), in sets of candidates:
// at most three associations are being set up at once, a failed one makes room for the next
// candidate (SH4), and T5 ends the set (SH5).
//
// The RFC resets T5 as soon as an association is set up (SH3). Here that waits until the
// registrar has answered something and kept the association for as long as T5: otherwise
// whoever accepts and drops associations makes an element dial without pause.
type hunt struct {
	active bool
	t5     time.Duration // of this set
	until  time.Time     // the end of this set
	tried  map[*candidate]bool
	dials  map[*candidate]context.CancelFunc
	timer  *time.Timer
	seq    uint64
}

// reset makes the next hunt begin with a new set and the initial T5.
func (h *hunt) reset(t5 time.Duration) {
	h.t5, h.until = t5, time.Time{}
	h.tried = make(map[*candidate]bool)
	if h.dials == nil {
		h.dials = make(map[*candidate]context.CancelFunc)
	}
}

// pause stops T5. The set goes on when the home is lost soon.
func (h *hunt) pause() {
	h.active = false
	h.seq++
	if h.timer != nil {
		h.timer.Stop()
	}
}

// settle takes note that the home has answered: the next set begins soon when it is lost.
func (h *hunt) settle(t5 time.Duration) {
	h.t5 = t5
	if soon := time.Now().Add(t5); h.until.After(soon) {
		h.until = soon
	}
}

func (h *hunt) cancelDials() {
	for _, cancel := range h.dials {
		cancel()
	}
}

func (h *hunt) stop() {
	h.pause()
	h.cancelDials()
}

// startHunt looks for a home unless there is one, or nothing to say to it. exclude is the
// candidate that has just failed as home. The caller holds e.mu.
func (e *Element) startHunt(exclude *candidate) {
	if e.ended || e.home != nil || e.hunt.active || !e.needsHome() {
		return
	}
	e.hunt.active = true
	e.emit(Event{Kind: Hunting})
	if left := time.Until(e.hunt.until); left > 0 {
		e.armT5(left)
	} else {
		e.newSet()
	}
	if exclude != nil {
		e.hunt.tried[exclude] = true
	}
	e.fill()
}

func (e *Element) newSet() {
	e.hunt.until = time.Now().Add(e.hunt.t5)
	clear(e.hunt.tried)
	e.servers.round++
	e.armT5(e.hunt.t5)
}

func (e *Element) armT5(d time.Duration) {
	e.hunt.seq++
	seq := e.hunt.seq
	e.hunt.timer = time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.hunt.seq != seq || e.ended {
			return
		}
		e.hunt.t5 = min(2*e.hunt.t5, e.cfg.Timers.ServerHuntMax) // SH5.1
		e.hunt.cancelDials()                                     // SH5.2
		if !e.needsHome() {
			e.hunt.pause()
			return
		}
		e.newSet()
		e.fill()
	})
}

// fill dials candidates of this set until MaxAssociations are set up or being set up. The
// caller holds e.mu.
func (e *Element) fill() {
	for e.hunt.active && e.outbound < MaxAssociations {
		c := e.servers.pick(e.hunt.tried, e.hunt.dials)
		if c == nil {
			return
		}
		ctx, cancel := context.WithTimeout(e.ctx, e.cfg.Timers.ServerHuntMax)
		e.hunt.tried[c] = true
		e.hunt.dials[c] = cancel
		c.round = e.servers.round
		e.outbound++
		e.stats.Dials++
		e.wg.Go(func() {
			defer cancel()
			a, err := e.dial(ctx, c.Registrar)
			if s := e.dialed(c, a, err); s != nil {
				s.run()
			} else if a != nil {
				_ = a.Abort("not authenticated as a registrar") // nothing was sent, nothing is lost
			}
		})
	}
}

// dialed takes the outcome of a dial and returns the session to run, if any.
func (e *Element) dialed(c *candidate, a association.Association, err error) *session {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.hunt.dials, c)
	if err == nil {
		if s := e.called(c, a); s != nil {
			return s
		}
	} else if !errors.Is(err, context.Canceled) {
		e.emit(Event{Kind: RegistrarFailed, Remote: c.Addr, Err: fmt.Errorf("poolelement: dial %s: %w", c.Registrar, err)})
	}
	e.outbound--
	if !e.ended {
		e.fill()
	}
	return nil
}

// called judges the node that we called. Not a single ASAP octet goes to one that has not
// shown to be a registrar.
func (e *Element) called(c *candidate, a association.Association) *session {
	s, err := e.newSession(a, Origin{Mode: e.cfg.Mode, Dialed: true, Identity: e.cfg.Identity, Info: a.Info(), Registrar: c.Registrar})
	s.candidate = c
	if err != nil {
		e.stats.RegistrarsRefused++
		e.emit(Event{Kind: RegistrarRefused, Remote: a.Info().Remote, Err: err})
		s.cancel()
		return nil
	}
	e.sessions[s] = struct{}{}
	switch {
	case e.ended:
		s.retire()
	case e.home == nil && e.needsHome():
		e.adopt(s, false)
	case e.home != nil && e.standbys() <= e.cfg.Limits.Standby:
		e.log.Debug("standby", "remote", s.peer.Info.Remote)
	default:
		s.retire() // another was faster
	}
	return s
}

// standbys counts the live associations that we set up beside the home, s included.
func (e *Element) standbys() int {
	n := 0
	for s := range e.sessions {
		if s.peer.Dialed && !s.retired && s != e.home {
			n++
		}
	}
	return n
}
