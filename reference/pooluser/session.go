// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Errors of a Session.
var (
	// ErrNoElement: no element of the pool could be reached, or none with the
	// security that is asked for. It is wrapped together with the last failure.
	ErrNoElement = errors.New("pooluser: no pool element")
	// ErrNotSent: the element was lost and SendNoFailover was asked for.
	ErrNotSent = errors.New("pooluser: not sent")
)

// Received is data from an element.
type Received struct {
	Data    []byte
	Element wire.PEID // who sent it
}

// Failover tells the application that a session is about to leave an element for
// another one. What From knows of the application, To does not.
type Failover struct {
	Pool     string
	From, To wire.PoolElement // must not be changed
	Cause    error            // why From was left
	// Context is the security that the session has had. The channel to To is at
	// least as strong, or the session goes on to another element.
	Context SecurityContext
}

// SessionOption changes how Open works.
type SessionOption func(*Session)

// OnFailover has f called before the first octet goes to the next element. An
// error of f rejects that element, and the next one is proposed. f must return
// when its context ends and must not call methods of the session; what it has to
// say to the next element, the application sends afterwards.
func OnFailover(f func(context.Context, Failover) error) SessionOption {
	return func(s *Session) { s.onFailover = f }
}

// SendOption changes how Send works.
type SendOption uint8

// SendNoFailover returns data unsent, with ErrNotSent, when the element is lost
// (ASAP_SEND_NO_FAILOVER, RFC 5352 section 6.5.5). Without it the data goes to
// the next element.
const SendNoFailover SendOption = 1

// Session is a conversation with one element of a pool at a time. All methods may
// be called from any goroutine. The application must Close it.
type Session struct {
	u          *User
	pool       string
	onFailover func(context.Context, Failover) error
	ctx        context.Context // ends with the session
	cancel     context.CancelFunc
	done       chan struct{} // closed when run has returned
	in         *queue
	notices    chan Failover

	mu      sync.Mutex // guards all below; never held over I/O
	link    *link      // nil during a failover and after the end
	moved   chan struct{}
	closed  bool
	err     error
	context SecurityContext
	cookie  []byte      // the latest one (RFC 5352 section 3.8); nil: none
	prefer  []wire.PEID // order of failover from the last business card
}

// Open selects an element of the pool, sets up the channel with it and returns the
// session. Elements that cannot be reached are reported and left out. It waits
// for a registrar until ctx ends.
func (u *User) Open(ctx context.Context, pool string, options ...SessionOption) (*Session, error) {
	if u.cfg.Elements.Security == ElementsSecured && !u.cfg.Elements.Credentials.usable() {
		return nil, ErrNoElementCredentials
	}
	s := &Session{
		u: u, pool: pool, done: make(chan struct{}), moved: make(chan struct{}),
		in: newQueue(u.cfg.Limits.ReadQueue), notices: make(chan Failover, u.cfg.Limits.Notices),
	}
	for _, o := range options {
		o(s)
	}
	s.ctx, s.cancel = context.WithCancel(u.ctx)
	if err := u.enter(s); err != nil {
		s.cancel()
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.ctx, func() { cancel(ErrClosed) })() // User.Close does not wait for Open
	l, err := s.first(ctx)
	if err == nil {
		err = s.begin(l)
	}
	if err != nil {
		u.exit(s)
		s.cancel()
		close(s.done)
		return nil, err
	}
	return s, nil
}

// first connects with the first element that can be had.
func (s *Session) first(ctx context.Context) (*link, error) {
	search := search{s: s, avoid: make(map[wire.PEID]bool)}
	for {
		e, proof, err := search.next(ctx)
		if err != nil {
			return nil, err
		}
		l, err := s.connect(ctx, e)
		if err == nil {
			err = s.prove(ctx, l, proof)
		}
		if err == nil {
			return l, nil
		}
		search.last = err
	}
}

// begin starts the session on its first element.
func (s *Session) begin(l *link) error {
	s.u.mu.Lock()
	defer s.u.mu.Unlock()
	if s.u.closed {
		l.breakOff(ErrClosed)
		return ErrClosed
	}
	s.link, s.context = l, l.context
	s.u.wg.Go(func() { s.run(l) })
	return nil
}

// Pool returns the pool handle.
func (s *Session) Pool() string { return s.pool }

// Element returns the present element and what protects the channel with it;
// false during a failover and after the end.
func (s *Session) Element() (wire.PoolElement, SecurityContext, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil {
		return wire.PoolElement{}, SecurityContext{}, false
	}
	return s.link.element, s.link.context, true
}

// Failovers delivers the notices that OnFailover gets too, each of them before the
// first octet to the next element. When nobody takes them, the oldest are lost.
// It is closed at the end of the session.
func (s *Session) Failovers() <-chan Failover { return s.notices }

// Done is closed when the session has ended; Err then says why.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err returns why the session has ended: ErrClosed, or ErrNoElement.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Send sends data, 1 to channel.MaxData octets, to the present element. During a
// failover it waits for the next one. When the element is lost while the data is
// being sent, the data goes to the next one, so it may arrive twice; what the
// lost element had not read is lost with it (RFC 5352 section 6.5.5).
func (s *Session) Send(ctx context.Context, data []byte, options ...SendOption) error {
	var previous *link
	for {
		l, err := s.wait(ctx, previous)
		if err != nil {
			return err
		}
		s.u.mu.Lock()
		s.u.used.add(elementKey{s.pool, l.element.ID})
		s.u.mu.Unlock()
		err = l.channel.SendData(ctx, data)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, channel.ErrSize):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		l.breakOff(err)
		for _, o := range options {
			if o&SendNoFailover != 0 {
				return fmt.Errorf("%w to %s: %w", ErrNotSent, l.element.ID, err)
			}
		}
		previous = l
	}
}

// wait returns the present link, unless that is previous: then the next one.
func (s *Session) wait(ctx context.Context, previous *link) (*link, error) {
	for {
		s.mu.Lock()
		l, moved, err := s.link, s.moved, s.err
		s.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case l != nil && l != previous:
			return l, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Receive returns the next data from an element. What arrived before the end of
// the session is returned first.
func (s *Session) Receive(ctx context.Context) (Received, error) {
	r, ok, err := s.in.pop(ctx, s.done)
	switch {
	case err != nil:
		return Received{}, err
	case !ok:
		return Received{}, s.Err()
	}
	return r, nil
}

// Close ends the session gracefully, as long as ctx allows, and waits for its
// goroutine. It may be called more than once.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	l := s.link
	first := !s.closed && s.err == nil
	s.closed = true
	s.mu.Unlock()
	var err error
	if l != nil && first {
		if err = l.channel.Association().Close(ctx); err != nil {
			l.breakOff(ErrClosed)
		}
	}
	s.cancel()
	<-s.done
	return err
}
