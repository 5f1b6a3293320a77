// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Errors of a User.
var (
	ErrClosed  = errors.New("pooluser: closed")
	ErrTooMany = errors.New("pooluser: too many sessions")
)

// User is a running pool user. All methods may be called from any goroutine.
type User struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends with Close; every goroutine watches it
	cancel context.CancelFunc
	wg     sync.WaitGroup
	source Source // nil: no announcements

	mu        sync.Mutex // guards all below; never held over I/O
	closed    bool
	servers   *serverList
	home      *home              // nil: none
	abandoned *candidate         // the home that was given up last, until the next hunt
	moved     chan struct{}      // closed and replaced when home changes
	hunt      *flight            // nil: none under way
	requests  map[string]*flight // resolutions under way, by pool handle
	cache     map[string]*entry
	used      usedElements
	waiting   []Event // reports that wait for a home registrar
	sessions  map[*Session]struct{}
	stats     Stats
	lots      map[string]lot // see draw

	statements statements
	evidence   chan PolicyEvidence
}

// Stats counts what the pool user did since it was started.
type Stats struct {
	Hunts                uint64 // server hunts begun
	RegistrarsRefused    uint64 // registrars that could not be set up or did not authenticate themselves
	Requests             uint64 // ASAP_HANDLE_RESOLUTION sent, with repetitions
	Repetitions          uint64 // of these, after T1-ENRPrequest
	CacheHits            uint64 // resolutions that asked nobody
	Malformed            uint64 // messages that cost a registrar or an element its association
	Unexpected           uint64 // messages from registrars that nobody waited for
	AnnouncementsDropped uint64 // announcements, or addresses in them, that were not remembered
	Reports              uint64 // ASAP_ENDPOINT_UNREACHABLE sent
	ReportsSuppressed    uint64 // those not sent: repeated, above the rate, not requested, no registrar
	Failovers            uint64 // sessions that went on with another element
	ElementsRefused      uint64 // elements left for their security
	PoliciesRefused      uint64 // elements not used because they are not shown as they signed
	EvidenceLost         uint64 // of these, not delivered
	Proofs               uint64 // proofs of selection sent
	NoticesLost          uint64 // notices that nobody took from Session.Failovers in time
}

// New starts a pool user. The first registrar is looked for when it is needed.
// ctx bounds opening the socket for announcements only.
func New(ctx context.Context, cfg Config) (*User, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	var source Source
	if cfg.Announce != nil {
		listen := cfg.Announce.Listen
		if listen == nil {
			listen = ListenDatagram
		}
		var err error
		if source, err = listen(ctx, cfg.Announce); err != nil {
			return nil, fmt.Errorf("pooluser: announcements: %w", err)
		}
	}
	u := &User{
		cfg: cfg, log: cfg.Logger, source: source,
		servers: newServerList(cfg.Servers), moved: make(chan struct{}),
		requests: make(map[string]*flight), cache: make(map[string]*entry), used: usedElements{limit: cfg.Limits.Elements},
		sessions: make(map[*Session]struct{}), lots: make(map[string]lot),
		statements: statements{limit: cfg.Limits.Elements, of: make(map[elementKey]statement)},
		evidence:   make(chan PolicyEvidence, cfg.Limits.Evidence),
	}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	if source != nil {
		u.wg.Go(func() { u.listen(u.ctx, source) })
	}
	return u, nil
}

// Stats returns a copy of the counters.
func (u *User) Stats() Stats {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.stats
}

func (u *User) count(f func(*Stats)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f(&u.stats)
}

// Servers returns the managed list of registrars as it is now.
func (u *User) Servers() []Server {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.servers.expire(time.Now())
	list := make([]Server, 0, len(u.servers.list))
	for _, c := range u.servers.list {
		list = append(list, c.Server)
	}
	return list
}

// Home returns the home registrar; false when there is none at the moment.
func (u *User) Home() (Server, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.home == nil {
		return Server{}, false
	}
	return u.home.candidate.Server, true
}

// Close ends the sessions and the association with the registrar gracefully, as
// long as ctx allows, and waits for all goroutines. It may be called more than
// once; every other method then returns ErrClosed.
func (u *User) Close(ctx context.Context) error {
	u.mu.Lock()
	u.closed = true
	sessions := make([]*Session, 0, len(u.sessions))
	for s := range u.sessions {
		sessions = append(sessions, s)
	}
	h := u.home
	u.home = nil
	u.mu.Unlock()

	var closing sync.WaitGroup
	errs := make([]error, len(sessions)+2)
	for i, s := range sessions {
		closing.Go(func() { errs[i] = s.Close(ctx) })
	}
	if h != nil {
		closing.Go(func() { errs[len(sessions)] = h.assoc.Close(ctx) })
	}
	closing.Wait()
	u.cancel()
	if u.source != nil {
		errs[len(sessions)+1] = u.source.Close()
	}
	u.wg.Wait()
	return errors.Join(errs...)
}

// enter counts the session.
func (u *User) enter(s *Session) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.closed:
		return ErrClosed
	case len(u.sessions) >= u.cfg.Limits.Sessions:
		return fmt.Errorf("%w: %d", ErrTooMany, len(u.sessions))
	}
	u.sessions[s] = struct{}{}
	return nil
}

func (u *User) exit(s *Session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.sessions, s)
}
