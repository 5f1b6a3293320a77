// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Why a session leaves an element or gives up.
var (
	errNoFraming = errors.New("the element does not know data on a control channel")
	errBarren    = errors.New("too many elements that say nothing")
	errTooLong   = errors.New("failover took too long")
)

// run serves the session until its end.
func (s *Session) run(l *link) {
	defer s.finish()
	barren := 0
	for {
		cause := s.pump(l)
		s.release(l)
		if s.ended() {
			return
		}
		l.mu.Lock()
		if l.heard || time.Since(l.since) > s.u.cfg.Timers.Failover {
			barren = 0
		}
		l.mu.Unlock()
		next, err := (*link)(nil), errBarren
		if barren++; barren <= s.u.cfg.Limits.BarrenChanges {
			next, err = s.failOver(l, cause)
		}
		if err != nil {
			s.mu.Lock()
			s.err = fmt.Errorf("%w in %q after %s was lost (%w): %w", ErrNoElement, s.pool, l.element.ID, cause, err)
			s.mu.Unlock()
			return
		}
		l = next
	}
}

// ended tells whether the application has closed the session.
func (s *Session) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed || s.ctx.Err() != nil
}

// release frees a link that has ended.
func (s *Session) release(l *link) {
	s.mu.Lock()
	s.link = nil
	closing := s.closed
	s.mu.Unlock()
	if !closing { // else Close does it
		_ = l.channel.Association().Abort("ended") // after an end by the peer this only frees what is left
	}
}

// finish ends the session.
func (s *Session) finish() {
	s.mu.Lock()
	s.link = nil
	if s.closed || s.err == nil {
		s.err = ErrClosed
	}
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
	close(s.notices)
	s.cancel()
	s.u.exit(s)
	close(s.done)
}

// pump passes on what the element sends until the association ends, and says why.
func (s *Session) pump(l *link) error {
	for {
		r, err := l.channel.Receive(s.ctx)
		if err != nil {
			if errors.Is(err, channel.ErrMalformed) {
				s.u.count(func(st *Stats) { st.Malformed++ })
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.cause != nil {
				return l.cause
			}
			return err
		}
		l.mu.Lock()
		l.heard = true
		l.mu.Unlock()
		if r.Control == nil {
			s.in.push(s.ctx, l.channel.Association().Done(), Received{Data: r.Data, Element: l.element.ID})
		} else if err := s.control(r.Control); err != nil {
			return err
		}
	}
}

// control takes a message of the control channel (RFC 5352 sections 3.8 and 3.9).
func (s *Session) control(m wire.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case *wire.Cookie:
		s.cookie = append([]byte{}, m.Value...) // the older one is discarded
	case *wire.BusinessCard:
		if string(m.PoolHandle) == s.pool {
			s.prefer = s.prefer[:0]
			for i := range m.Elements {
				s.prefer = append(s.prefer, m.Elements[i].ID)
			}
		}
	case *wire.ASAPError:
		s.u.log.Warn("error from element", "causes", causes(m.Causes))
		for _, c := range m.Causes {
			if c.Code == wire.CauseUnrecognizedMessage && len(c.Info) > 0 && c.Info[0] == channel.TypeData {
				return errNoFraming
			}
		}
	}
	return nil
}

// failOver finds the next element (draft section 2.9, RFC 5352 section 3.8).
func (s *Session) failOver(from *link, cause error) (*link, error) {
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.u.cfg.Timers.Failover, errTooLong)
	defer cancel()
	if unreachable(cause) {
		s.u.unreachable(s.pool, from.element.ID)
	}
	search := search{s: s, avoid: map[wire.PEID]bool{from.element.ID: true}}
	for {
		e, proof, err := search.next(ctx)
		if err != nil {
			return nil, err
		}
		l, err := s.move(ctx, Failover{Pool: s.pool, From: from.element, To: e, Cause: cause, Context: from.context}, proof)
		if err == nil {
			return l, nil
		}
		search.last = err
	}
}

// unreachable tells whether the end of an association means that its element
// cannot be reached (RFC 5352 section 3.5): not when it said goodbye, nor when it
// or somebody on the path said what we do not accept.
func unreachable(cause error) bool {
	return !errors.Is(cause, io.EOF) && !securityError(cause) && !errors.Is(cause, channel.ErrMalformed) &&
		!errors.Is(cause, association.ErrLength) && !errors.Is(cause, errNoFraming)
}

// move goes on with another element: notice, channel, proof, cookie, and only then data.
func (s *Session) move(ctx context.Context, f Failover, proof *wire.SelectionProof) (*link, error) {
	if err := s.u.cfg.Defences.Notice.Notify(ctx, f, s.deliver); err != nil {
		return nil, fmt.Errorf("element %s rejected by the application: %w", f.To.ID, err)
	}
	l, err := s.connect(ctx, f.To)
	if err != nil {
		return nil, err
	}
	if err := s.prove(ctx, l, proof); err != nil {
		return nil, fmt.Errorf("element %s: proof of selection: %w", f.To.ID, err)
	}
	if err := s.echo(ctx, l); err != nil {
		l.breakOff(err)
		s.u.unreachable(s.pool, f.To.ID)
		return nil, fmt.Errorf("element %s: cookie: %w", f.To.ID, err)
	}
	s.u.count(func(st *Stats) { st.Failovers++ })
	s.u.log.Warn("failover", "pool", f.Pool, "from", f.From.ID.String(), "to", f.To.ID.String(),
		"cause", f.Cause, "before", f.Context.String(), "now", l.context.String())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		l.breakOff(ErrClosed)
		return nil, ErrClosed
	}
	s.link, s.context = l, l.context
	close(s.moved)
	s.moved = make(chan struct{})
	return l, nil
}

// deliver hands a notice to the application.
func (s *Session) deliver(ctx context.Context, f Failover) error {
	for delivered := false; !delivered; {
		select {
		case s.notices <- f:
			delivered = true
		default:
			select {
			case <-s.notices: // nobody takes them: make room
				s.u.count(func(st *Stats) { st.NoticesLost++ })
			default:
			}
		}
	}
	if s.onFailover == nil {
		return nil
	}
	return s.onFailover(ctx, f)
}

// echo sends the latest cookie to the next element, as the first message on the
// control channel (RFC 5352 section 3.8).
func (s *Session) echo(ctx context.Context, l *link) error {
	s.mu.Lock()
	cookie := s.cookie
	s.mu.Unlock()
	if cookie == nil || !controls(&l.element.User) {
		return nil
	}
	open := func(ctx context.Context, secured bool) (*channel.Channel, error) {
		return s.associate(ctx, &l.element, l.channel.Association().Info().Remote.Addr(), secured)
	}
	ch, err := s.u.cfg.Defences.Cookie.Channel(ctx, l.channel, open)
	if err != nil {
		return err
	}
	err = ch.SendControl(ctx, &wire.CookieEcho{Value: cookie})
	if ch != l.channel {
		err = errors.Join(err, ch.Association().Close(ctx))
	}
	return err
}
