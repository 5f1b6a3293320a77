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
	timeout alarm
}

// tableRequest sends the next page of the handle table (RFC 5353 section 3.2.3). A peer
// that asks too late, or for another table, begins anew. It rejects during our own start-up
// and when too many downloads are under way.
func (r *Registrar) tableRequest(s *session, m *wire.HandleTableRequest, _ time.Time) {
	t := &s.table
	if !r.ready || (!t.running && r.tables >= r.cfg.Limits.MaxTableSessions) {
		s.send(&wire.HandleTableResponse{Sender: r.cfg.ServerID, Receiver: s.peer, Reject: true})
		return
	}
	if t.running && t.own != m.OwnChildrenOnly {
		r.endTable(t)
	}
	if !t.running {
		t.cursor, t.own, t.running = handlespace.Cursor{}, m.OwnChildrenOnly, true
		r.tables++
	}
	pools, next, more := r.space.Page(t.cursor, r.cfg.Limits.TableBytes, t.own)
	t.cursor = next
	if more {
		r.set(&t.timeout, r.cfg.Timers.TableSession, func(time.Time) { r.endTable(t) })
	} else {
		r.endTable(t)
	}
	s.send(&wire.HandleTableResponse{Sender: r.cfg.ServerID, Receiver: s.peer, More: more, Pools: pools})
}

// endTable closes a download session.
func (r *Registrar) endTable(t *tableSession) {
	t.timeout.stop()
	if t.running {
		t.running = false
		r.tables--
	}
}
