// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrNotRequested: the application reports an element to which it never asked to
// send data (RFC 5352 section 6.9.2).
var ErrNotRequested = errors.New("pooluser: no data was requested to be sent to this element")

// Failure is the Transport.Failure primitive (RFC 5352 section 6.9.2): the
// application could not reach an element. The report is sent if this is a new
// event and the rate allows it. ErrNotRequested is returned for an element to
// which no Session.Send has been made.
func (u *User) Failure(pool string, id wire.PEID) error {
	e := Event{Now: time.Now(), Handle: pool, ID: id, Application: true}
	u.mu.Lock()
	if u.closed {
		u.mu.Unlock()
		return ErrClosed
	}
	e.Requested = u.used.has(elementKey{pool, id})
	u.mu.Unlock()
	if !u.report(e) {
		return fmt.Errorf("%w: %q %s", ErrNotRequested, pool, id)
	}
	return nil
}

// unreachable deals with an element that we could not reach ourselves.
func (u *User) unreachable(pool string, id wire.PEID) {
	u.report(Event{Now: time.Now(), Handle: pool, ID: id})
}

// report sends what the defences allow for an event. It returns false when the
// application had no reason to report.
func (u *User) report(e Event) bool {
	u.mu.Lock()
	d := u.cfg.Defences
	if !d.Requested.Allow(&e) {
		u.stats.ReportsSuppressed++
		u.mu.Unlock()
		return false
	}
	if cached := u.cache[e.Handle]; cached != nil {
		cached.drop(e.ID)
	}
	n := d.Once.Messages(&e)
	if n == 0 {
		u.stats.ReportsSuppressed++
	}
	send := 0
	for range n {
		switch {
		case !d.Rate.Allow(&e):
			u.stats.ReportsSuppressed++
		case u.home != nil:
			send++
		case len(u.waiting) < u.cfg.Limits.Reports:
			u.waiting = append(u.waiting, e)
		default:
			u.stats.ReportsSuppressed++
		}
	}
	h := u.home
	u.mu.Unlock()
	for range send {
		u.sendReport(h, e)
	}
	return true
}

// reached tells the defences that an element is there.
func (u *User) reached(pool string, id wire.PEID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cfg.Defences.Once.Reached(pool, id)
}

// sendReport sends an ASAP_ENDPOINT_UNREACHABLE beside what goes on. One that has
// waited for a registrar as long as an event lasts says nothing any more.
func (u *User) sendReport(h *home, e Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || time.Since(e.Now) > DefaultReportHold {
		u.stats.ReportsSuppressed++
		return
	}
	u.stats.Reports++
	u.log.Info("element reported unreachable", "pool", wire.PoolHandle(e.Handle).String(), "element", e.ID.String())
	u.wg.Go(func() { u.tell(h, &wire.EndpointUnreachable{PoolHandle: wire.PoolHandle(e.Handle), PEID: e.ID}) })
}
