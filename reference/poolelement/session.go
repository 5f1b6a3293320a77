// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// session is one association with a registrar, or with a node that came through a door.
type session struct {
	e      *Element
	assoc  association.Association
	out    chan []byte
	ctx    context.Context
	cancel context.CancelFunc
	quit   chan struct{} // closed by retire: the writer sends what waits and ends gracefully

	// Guarded by Element.mu.
	peer      Peer
	candidate *candidate // nil: it came through a door
	since     time.Time
	served    bool // it has answered a request or sent a keep-alive
	claims    bool // it wants to be home and says that it is already, see keepAlive
	retired   bool // nothing more is sent or taken
	acks      map[*member]*pendingAck
}

// newSession judges the node at the far end of a.
func (e *Element) newSession(a association.Association, o Origin) (*session, error) {
	s := &session{
		e: e, assoc: a, out: make(chan []byte, e.cfg.Limits.SendQueue), quit: make(chan struct{}),
		since: time.Now(), acks: make(map[*member]*pendingAck), peer: Peer{Origin: o},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.peer.Server = o.Registrar.Server
	if o.Key != nil {
		s.peer.Server = o.Key.Server
	}
	err := e.cfg.Defences.Registrar.Authenticate(&s.peer.Origin)
	if err == nil {
		s.peer.Role = RegistrarRole
	}
	return s, err
}

// run speaks with the far end until the association ends.
func (s *session) run() {
	written := make(chan struct{})
	go func() { defer close(written); s.write() }()
	if graceful := s.e.gone(s, s.read()); !graceful {
		s.cancel()
	}
	<-written // within Timers.Close when graceful
	s.cancel()
	_ = s.assoc.Abort("session ended") // after a graceful end this only frees what is left
}

func (s *session) read() error {
	decoder := wire.Decoder{Options: s.e.cfg.Wire}
	for {
		m, err := s.assoc.Receive(s.ctx)
		if err != nil {
			return err
		}
		// RFC 5352 section 2: the payload protocol identifier tells ASAP from user data.
		if m.PPID != wire.PPIDASAP {
			s.e.log.Info("message with a foreign payload protocol identifier dropped", "from", s.assoc.Info().Remote, "ppid", m.PPID)
			continue
		}
		message, err := decoder.Decode(wire.ASAP, m.Payload)
		if err != nil {
			if !s.e.undecodable(s, err) {
				return err
			}
			continue
		}
		if err := s.e.handle(s, message, time.Now()); err != nil {
			return err
		}
	}
}

func (s *session) write() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.quit:
			s.finish()
			return
		case b := <-s.out:
			if s.put(b) != nil {
				s.cancel()
				return
			}
		}
	}
}

func (s *session) put(b []byte) error {
	return s.assoc.Send(s.ctx, association.Message{Payload: b, PPID: wire.PPIDASAP})
}

// finish sends what waits and ends the association gracefully.
func (s *session) finish() {
	for {
		select {
		case b := <-s.out:
			if s.put(b) != nil {
				return
			}
		default:
			if err := s.assoc.Close(s.ctx); err != nil && !errors.Is(err, association.ErrClosed) && !errors.Is(err, io.EOF) {
				s.e.log.Debug("association not closed gracefully", "remote", s.assoc.Info().Remote, "error", err)
			}
			return
		}
	}
}

// send queues m and reports whether it could be encoded. A far end that does not read loses
// its association. The caller holds Element.mu.
func (s *session) send(m wire.Message) bool {
	b, err := m.Append(nil, &s.e.cfg.Wire)
	if err != nil {
		s.e.log.Error("message cannot be encoded", "message", m.Name(), "error", err)
		return false
	}
	if s.retired {
		return true // its end is noticed by whoever waits for the answer
	}
	select {
	case s.out <- b:
	default:
		s.e.log.Warn("association aborted: it does not read", "remote", s.peer.Info.Remote)
		s.cancel()
	}
	return true
}

// retire ends the association gracefully, within Timers.Close. The caller holds Element.mu.
func (s *session) retire() {
	if s.retired {
		return
	}
	s.retired = true
	for _, a := range s.acks {
		a.stop()
	}
	close(s.quit)
	time.AfterFunc(s.e.cfg.Timers.Close, s.cancel)
}

// gone forgets a session that has ended and tells whether it was we who ended it gracefully.
func (e *Element) gone(s *session, err error) (graceful bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range s.acks {
		a.stop()
	}
	delete(e.sessions, s)
	graceful = s.retired
	if !graceful {
		s.retired = true
		e.log.Info("association ended", "remote", s.peer.Info.Remote, "error", err)
	}
	if s.peer.Dialed {
		e.outbound--
	}
	e.loseHome(s, err)
	if !e.ended {
		e.fill()
	}
	return graceful
}
