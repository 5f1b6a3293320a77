// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Element is a running pool element.
type Element struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends with Close; every goroutine watches it
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ending sync.Once // tears down once, however often Close is called

	stacks    map[association.Transport]*association.Stack
	listeners []association.Listener
	datagrams Datagrams
	tls       [2]*tlspsk.Config // for byte streams, for messages; see clientTLS

	mu       sync.Mutex // guards all below; never held over I/O
	stopping bool       // Close was called: pools are left, none is joined
	ended    bool       // nothing is sent or changed any more
	members  []*member  // in the order of registration
	sessions map[*session]struct{}
	home     *session // nil: none
	outbound int      // associations set up or being set up by us, until they have ended
	hunt     hunt
	servers  *servers
	events   chan Event
	stats    Stats
}

// Stats counts what the element did since it was started.
type Stats struct {
	Dials               uint64 // attempts to set up an association
	RegistrarsRefused   uint64 // associations with nodes that have not shown to be registrars
	HomesRefused        uint64 // keep-alives that must not move the element
	Registrations       uint64 // registrations sent
	KeepAlives          uint64 // keep-alives for one of our pools from a registrar
	Acknowledgements    uint64 // of keep-alives, sent
	Coalesced           uint64 // keep-alives answered by the acknowledgement of a later one
	Malformed           uint64 // messages that could not be decoded
	Ignored             uint64 // messages that had no meaning where they came
	Announcements       uint64 // addresses taken from announcements
	AnnouncementsBad    uint64 // datagrams without a usable announcement
	AnnouncementsPushed uint64 // announced addresses that made room for others
	SelectionsRefused   uint64 // proofs of selection, or data without one
	EventsLost          uint64
}

// Start runs an element until Close. It does not wait for a registration: Events tells.
// ctx bounds opening doors only.
func Start(ctx context.Context, cfg Config) (*Element, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	e := &Element{
		cfg: cfg, log: cfg.Logger, sessions: make(map[*session]struct{}),
		stacks: make(map[association.Transport]*association.Stack), events: make(chan Event, cfg.Limits.Events),
		servers: newServers(&cfg),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.hunt.reset(cfg.Timers.ServerHunt)
	for _, p := range cfg.Pools {
		if err := e.join(p.clone()); err != nil {
			return nil, errors.Join(err, e.end())
		}
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.end())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.startHunt(nil)
	return e, nil
}

// Register joins a pool, or changes the registration in a pool that the element is in,
// which keeps its PE identifier. A rejected registration is tried again only when it
// differs from the rejected one (RFC 5352 section 3.1); one that was given up may be the
// same. Register does not wait; the events Registered, Rejected and RegistrationFailed tell.
func (e *Element) Register(p Pool) error {
	p = p.clone()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopping {
		return association.ErrClosed
	}
	m := e.member(p.Handle)
	if m == nil {
		if err := e.join(p); err != nil {
			return err
		}
		e.advance(e.member(p.Handle))
		return nil
	}
	if p.ID != 0 && p.ID != m.pool.ID {
		return fmt.Errorf("%w %s: is %s there, cannot become %s", ErrPool, p.Handle, m.pool.ID, p.ID)
	}
	p.ID = m.pool.ID
	if err := p.check(&e.cfg.Wire); err != nil {
		return err
	}
	return e.change(m, p)
}

// join adds a membership, for which nothing is done yet.
func (e *Element) join(p Pool) error {
	if e.member(p.Handle) != nil {
		return fmt.Errorf("%w %s: is there twice", ErrPool, p.Handle)
	}
	if err := p.check(&e.cfg.Wire); err != nil {
		return err
	}
	e.members = append(e.members, &member{e: e, pool: p, gone: make(chan struct{})})
	return nil
}

// Deregister leaves a pool and waits until the registrar has confirmed it, refused it or
// not answered, or until ctx ends; in the last case the deregistration goes on.
func (e *Element) Deregister(ctx context.Context, handle wire.PoolHandle) error {
	e.mu.Lock()
	m := e.member(handle)
	if m == nil {
		e.mu.Unlock()
		return fmt.Errorf("%w %s", ErrUnknownPool, handle)
	}
	e.leave(m)
	e.mu.Unlock()
	select {
	case <-m.gone:
		return m.err
	case <-e.ctx.Done():
		return association.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// member returns the membership in a pool, nil when there is none. The caller holds e.mu.
func (e *Element) member(handle wire.PoolHandle) *member {
	for _, m := range e.members {
		if string(m.pool.Handle) == string(handle) {
			return m
		}
	}
	return nil
}

// Home returns the server ID and the association of the home registrar; false when there
// is none. The server ID is 0 until the registrar has said it.
func (e *Element) Home() (wire.ServerID, association.Info, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.home == nil {
		return 0, association.Info{}, false
	}
	return e.home.peer.Server, e.home.peer.Info, true
}

// Member returns what the element says of itself in a pool and whether the registrar has
// confirmed it; false when it is not in the pool.
func (e *Element) Member(handle wire.PoolHandle) (p Pool, registered, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := e.member(handle)
	if m == nil {
		return Pool{}, false, false
	}
	return m.pool.clone(), m.state == stateRegistered, true
}

// Stats returns a copy of the counters.
func (e *Element) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.stats
}

// Close leaves all pools, as long as ctx and Timers.Stop allow, ends every association and
// waits for all goroutines. The error tells which deregistrations were not confirmed. It
// may be called more than once.
func (e *Element) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Timers.Stop)
	defer cancel()
	e.mu.Lock()
	e.stopping = true
	members := append([]*member(nil), e.members...)
	for _, m := range members {
		e.leave(m)
	}
	e.mu.Unlock()
	var errs []error
	for _, m := range members {
		select {
		case <-m.gone:
			errs = append(errs, m.err)
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("%w %s: deregistration: %w", ErrPool, m.pool.Handle, ctx.Err()))
		case <-e.ctx.Done(): // another Close was faster
		}
	}
	return errors.Join(append(errs, e.end())...)
}

// end closes all associations, doors and goroutines.
func (e *Element) end() (err error) {
	e.ending.Do(func() {
		e.mu.Lock()
		e.stopping, e.ended = true, true
		e.hunt.stop()
		e.servers.stop()
		for _, m := range e.members {
			m.stop()
		}
		for s := range e.sessions {
			s.retire()
		}
		e.mu.Unlock()
		e.cancel()
		err = e.closeDoors()
		e.wg.Wait()
		err = errors.Join(err, e.closeStacks())
		close(e.events)
	})
	return err
}
