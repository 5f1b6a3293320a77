// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/backlog"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// session is one association and what the registrar remembers of it.
type session struct {
	r         *Registrar
	assoc     association.Association
	origin    Origin
	principal Principal         // its grant is guarded by Registrar.mu, see Reconsider
	key       [sha256.Size]byte // digest of the pre-shared key that it came with
	out       *backlog.Queue
	cancel    context.CancelFunc

	// Guarded by Registrar.mu.
	peer       wire.ServerID // ENRP: the server ID that this association speaks for; 0 until known
	caller     *caller       // ENRP: who set it up; nil: the peer
	table      tableSession
	answers    map[uint8]chan<- wire.Message // who waits for a message of this type
	serves     map[*liveness]struct{}        // the elements that were registered over this association
	subscribed map[string]struct{}           // pools whose changes are told
	dismissed  bool                          // nothing more is taken from it
	closed     bool
	ended      chan struct{} // closed with the session
}

func (r *Registrar) newSession(ctx context.Context, a association.Association, protocol wire.Protocol, dialed *Dialed) (*session, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	return &session{
		r: r, assoc: a, out: backlog.New(r.cfg.Limits.SendQueue), cancel: cancel, ended: make(chan struct{}),
		answers: make(map[uint8]chan<- wire.Message), serves: make(map[*liveness]struct{}), subscribed: make(map[string]struct{}),
		origin: Origin{Protocol: protocol, Mode: r.cfg.Mode, Info: a.Info(), Dialed: dialed},
	}, ctx
}

// Serve speaks with the far end of a until the association ends or ctx is cancelled.
// It owns a.
func (r *Registrar) Serve(ctx context.Context, a association.Association, protocol wire.Protocol) {
	s, ctx := r.newSession(ctx, a, protocol, nil)
	if !r.join(s) {
		s.turnAway(ctx)
		return
	}
	s.run(ctx)
}

// farewell bounds a graceful end that nobody waits for.
const farewell = time.Second

// turnAway ends an association that there is no room for, or no service yet, and says so with
// an error message. Only some at once are told: the others are just aborted, so that a flood of
// them holds nothing here.
func (s *session) turnAway(ctx context.Context) {
	const why = "lack of resources" // the association is given up either way
	defer s.cancel()
	select {
	case s.r.turning <- struct{}{}:
		defer func() { <-s.r.turning }()
	default:
		_ = s.assoc.Abort(why)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	causes := []wire.Cause{{Code: wire.CauseLackOfResources}}
	var m wire.Message = &wire.ASAPError{Causes: causes}
	if s.origin.Protocol == wire.ENRP {
		m = &wire.ENRPError{Sender: s.r.cfg.ServerID, Causes: causes}
	}
	if b, err := m.Append(nil, &s.r.cfg.Wire); err == nil && s.put(ctx, b) == nil && s.assoc.Close(ctx) == nil {
		return
	}
	_ = s.assoc.Abort(why)
}

func (s *session) put(ctx context.Context, b []byte) error {
	return s.assoc.Send(ctx, association.Message{Payload: b, PPID: s.origin.Protocol.PPID()})
}

// run speaks for a session that has joined.
func (s *session) run(ctx context.Context) {
	defer s.r.leave(s)
	written := make(chan struct{})
	go func() { defer close(written); s.write(ctx) }()
	s.read(ctx)
	s.cancel()
	<-written
	_ = s.assoc.Abort("session ended") // after a graceful end this only frees what is left
}

func (r *Registrar) join(s *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	addr := s.origin.Info.Remote.Addr()
	if s.origin.Protocol == wire.ASAP && !r.ready {
		r.stats.Dropped++
		r.log.Info("association refused: not in service yet", "from", s.origin.Info.Remote)
		return false
	}
	if r.closed || len(r.sessions) >= r.cfg.Limits.MaxSessions || r.perAddr[addr] >= r.cfg.Limits.MaxPerAddress {
		r.stats.Dropped++
		r.log.Warn("association refused: lack of resources", "from", s.origin.Info.Remote, "sessions", len(r.sessions))
		return false
	}
	r.perAddr[addr]++
	r.sessions[s] = struct{}{}
	r.stats.Accepted++
	s.principal = r.cfg.Defences.Admission.Admit(&s.origin, r.cfg.Keys)
	s.key = r.keyOf(s)
	r.log.Debug("association", "from", s.origin.Info.Remote, "role", s.principal.Role.String(), "name", s.principal.Name)
	return true
}

func (r *Registrar) leave(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.closed = true
	close(s.ended)
	delete(r.sessions, s)
	addr := s.origin.Info.Remote.Addr()
	if r.perAddr[addr]--; r.perAddr[addr] == 0 {
		delete(r.perAddr, addr)
	}
	r.orphan(s)
	r.unsubscribe(s)
	r.peerGone(s)
}

// read decodes and handles messages until the association ends. Anything malformed costs
// its sender the association.
func (s *session) read(ctx context.Context) {
	decoder := wire.Decoder{Options: s.r.cfg.Wire}
	for {
		m, err := s.assoc.Receive(ctx)
		if err != nil {
			if !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.r.log.Info("association ended", "from", s.origin.Info.Remote, "error", err)
			}
			return
		}
		// What has another payload protocol identifier is not ASAP or ENRP (RFC 5352 section
		// 8, RFC 5353 section 5): a TLS client at a clear port, say. It is told by an ABORT.
		if m.PPID != s.origin.Protocol.PPID() {
			s.r.log.Warn("association ended: foreign payload protocol identifier", "from", s.origin.Info.Remote, "ppid", m.PPID)
			return
		}
		message, err := decoder.Decode(s.origin.Protocol, m.Payload)
		if err != nil {
			if !s.r.undecodable(s, err) {
				return
			}
			continue
		}
		s.r.handle(s, message, time.Now())
	}
}

func (s *session) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.out.Some():
			for b, ok := s.out.Pop(); ok; b, ok = s.out.Pop() {
				if s.put(ctx, b) != nil {
					s.cancel()
					return
				}
			}
		}
	}
}

// send queues m. A far end that does not read loses its association: nobody waits for it.
// The caller holds Registrar.mu.
func (s *session) send(m wire.Message) {
	b, err := m.Append(nil, &s.r.cfg.Wire)
	if err != nil {
		s.r.log.Error("message cannot be encoded", "message", m.Name(), "error", err)
		return
	}
	s.sendBytes(b)
}

func (s *session) sendBytes(b []byte) {
	if s.closed {
		return
	}
	if !s.out.Push(b) {
		s.r.log.Warn("association aborted: it does not read", "from", s.origin.Info.Remote)
		s.cancel()
	}
}

// dismiss ends the association of a node that is refused and whose message has no answer
// in RFC 5352 or 5353 that could tell it so.
func (s *session) dismiss() {
	s.dismissed = true
	s.cancel()
}

func (s *session) close(ctx context.Context) {
	if err := s.assoc.Close(ctx); err != nil {
		_ = s.assoc.Abort("closing") // it did not end gracefully in time
	}
	s.cancel()
}

// query is what the defences are asked about m.
func (s *session) query(m wire.Message, now time.Time) Query {
	return Query{Now: now, Origin: &s.origin, Principal: &s.principal, Message: m}
}

// about adds the element that a request names.
func (q *Query) about(space *handlespace.Space, handle []byte, id wire.PEID) {
	q.Handle, q.ID = handle, id
	if e, ok := space.Lookup(handle, id); ok {
		q.Existing = &e
	}
}
