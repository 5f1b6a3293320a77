// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// pendingAck is the answer to keep-alives for one pool on one association.
type pendingAck struct {
	bucket  Bucket
	timer   *time.Timer
	waiting bool      // the timer runs to an acknowledgement
	flooded time.Time // of the last event
}

func (a *pendingAck) stop() {
	a.waiting = false
	if a.timer != nil {
		a.timer.Stop()
	}
}

// keepAlive answers a keep-alive and moves to a new home (RFC 5352 section 3.4, KA1 to KA2.4).
func (e *Element) keepAlive(s *session, m *wire.EndpointKeepAlive, q *Query) {
	member := e.member(m.PoolHandle)
	if member == nil || !member.known || member.state == stateLeaving || (m.HasPEID && m.PEID != member.pool.ID) {
		e.ignore(s, m) // KA1
		return
	}
	e.stats.KeepAlives++
	if err := e.cfg.Defences.Home.Refuse(q); err != nil {
		e.refusedHome(s, m, err)
		return
	}
	e.serve(s)
	e.acknowledge(s, member, q.Now)
	known := s.peer.Server == m.Server
	if s.peer.Server == 0 {
		s.peer.Server = m.Server
	}
	switch {
	case !m.NewHome || e.stopping:
	case e.home != s && (e.home == nil || e.home.peer.Server != m.Server): // KA2.4
		e.adopt(s, true)
	case e.home != s:
		// By KA2.4 it is the home already, over another association. It may have been started
		// again, and that association dead.
		s.claims = true
	case e.home == s && !known:
		e.log.Debug("home said its server ID", "server", m.Server.String())
	}
}

// refusedHome takes note of a keep-alive that was to move the element and did not.
func (e *Element) refusedHome(s *session, m wire.Message, err error) {
	k, ok := m.(*wire.EndpointKeepAlive)
	if !ok || !k.NewHome {
		return
	}
	e.stats.HomesRefused++
	e.emit(Event{Kind: HomeRefused, Pool: append(wire.PoolHandle(nil), k.PoolHandle...), Server: k.Server, Remote: s.peer.Info.Remote, Err: err})
}

// acknowledge sends an acknowledgement, at once or together with those that follow.
func (e *Element) acknowledge(s *session, m *member, now time.Time) {
	a := s.acks[m]
	if a == nil {
		a = &pendingAck{}
		s.acks[m] = a
	}
	if a.waiting {
		e.stats.Coalesced++
		return
	}
	wait := e.cfg.Defences.KeepAlive.Wait(&a.bucket, now)
	if wait <= 0 {
		e.sendAck(s, m)
		return
	}
	if a.flooded.IsZero() || now.Sub(a.flooded) >= e.cfg.Timers.KeepAliveFlooding {
		a.flooded = now
		e.emit(Event{Kind: KeepAliveFlood, Pool: m.pool.Handle, PEID: m.pool.ID, Server: s.peer.Server, Remote: s.peer.Info.Remote})
	}
	a.waiting = true
	a.timer = time.AfterFunc(wait, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if a.waiting && !e.ended && !s.retired {
			a.waiting = false
			e.sendAck(s, m)
		}
	})
}

// sendAck answers the server that asked, on its association (KA2.1 to KA2.3). A member that
// is leaving meanwhile says nothing.
func (e *Element) sendAck(s *session, m *member) {
	if m.state == stateLeaving {
		return
	}
	e.stats.Acknowledgements++
	s.send(&wire.EndpointKeepAliveAck{PoolHandle: m.pool.Handle, PEID: m.pool.ID})
}
