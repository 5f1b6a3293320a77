// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// tableSession is where a peer stands in its download of the handle table.
type tableSession struct {
	cursor  handlespace.Cursor
	own     bool
	running bool
	asked   time.Time
}

// tableRequest sends the next page of the handle table (RFC 5353 section 3.2.3). A peer
// that asks too late, or for another table, begins anew.
func (r *Registrar) tableRequest(s *session, m *wire.HandleTableRequest, now time.Time) {
	t := &s.table
	if !t.running || t.own != m.OwnChildrenOnly || now.Sub(t.asked) > r.cfg.Timers.TableSession {
		*t = tableSession{own: m.OwnChildrenOnly}
	}
	pools, next, more := r.space.Page(t.cursor, r.cfg.Limits.TableBytes, t.own)
	t.cursor, t.running, t.asked = next, more, now
	s.send(&wire.HandleTableResponse{Sender: r.cfg.ServerID, Receiver: s.peer, More: more, Pools: pools})
}
