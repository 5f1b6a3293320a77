// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// DefaultReportHold is how long an element that stays unreachable is one and the
// same event: as long as a cache entry lives. After that a registrar has been
// asked again and still lists the element, which is news.
const DefaultReportHold = 30 * time.Second

// maxReported bounds the elements remembered as reported: at DefaultReportRate no
// more than 40 come together within DefaultReportHold.
const maxReported = 1024

// elementKey names an element across pools.
type elementKey struct {
	handle string
	id     wire.PEID
}

// Once lets an event be reported once (RFC 5352 section 3.5: MUST NOT more). One
// crash shows itself in many ways - a failed send, the end of several sessions,
// refused connections - and is one event until the element has been reached
// again or the hold has passed.
type Once struct {
	hold     time.Duration
	reported map[elementKey]time.Time
}

// NewOnce returns the defence with no event seen yet.
func NewOnce(hold time.Duration) *Once {
	return &Once{hold: hold, reported: make(map[elementKey]time.Time)}
}

// Messages implements ReportCount.
func (o *Once) Messages(e *Event) int {
	key := elementKey{e.Handle, e.ID}
	if at, ok := o.reported[key]; ok && e.Now.Sub(at) < o.hold {
		return 0
	}
	if len(o.reported) >= maxReported {
		for k, at := range o.reported {
			if e.Now.Sub(at) >= o.hold {
				delete(o.reported, k)
			}
		}
		if len(o.reported) >= maxReported {
			return 0
		}
	}
	o.reported[key] = e.Now
	return 1
}

// Reached implements ReportCount.
func (o *Once) Reached(handle string, id wire.PEID) { delete(o.reported, elementKey{handle, id}) }
