// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Registrar is a running ENRP server.
type Registrar struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends with Close; every goroutine watches it
	cancel context.CancelFunc
	wg     sync.WaitGroup

	listeners []association.Listener
	datagrams []*association.Datagram
	stacks    []*association.Stack

	mu       sync.Mutex // guards all below; never held over I/O
	closed   bool
	space    *handlespace.Space
	sessions map[*session]struct{}
	perAddr  map[netip.Addr]int
	live     map[elementKey]*liveness
	expiry   *time.Timer
	stats    Stats

	ready     bool // in service: the start-up of RFC 5353 section 3.2 is over
	peers     map[wire.ServerID]*peer
	callers   map[netip.AddrPort]*caller
	heartbeat alarm
	armed     alarms
	takeovers map[wire.ServerID]*takeover // of ours, by target
	yields    map[wire.ServerID]*yield    // to others, by target
	contested map[elementKey]contest
	tables    int // handle table downloads under way
	pools     map[string]*subscription
	announcer announcer
	stackOf   map[association.Transport]*association.Stack // to dial from; not changed after Start
	claiming  chan struct{}                                // holds a token for each host that is dialed in a takeover
	turning   chan struct{}                                // holds a token for each association that is turned away
	inService chan struct{}                                // closed when ready
}

// Stats counts what the registrar did since it was started.
type Stats struct {
	Accepted   uint64            // associations
	Dropped    uint64            // associations refused for lack of resources, datagrams dropped
	Malformed  uint64            // messages that could not be decoded
	Refused    map[string]uint64 // requests refused, by defence
	Registered uint64            // registrations and re-registrations granted
	Withdrawn  uint64            // associations ended by Reconsider
	Removed    uint64            // elements removed for whatever reason
	Audits     uint64            // re-synchronizations begun because a checksum differed
	Takeovers  uint64            // registrars taken over
	Peers      int               // registrars on the list now
	Elements   int               // elements in the handlespace now
}

// New returns a registrar without doors of its own, for associations handed to Serve. It
// dials its peers; where Config.Doors are given, they are what it tells them about itself.
func New(cfg Config) (*Registrar, error) {
	r, err := create(cfg)
	if err != nil {
		return nil, err
	}
	if err := r.openAnnouncements(r.ctx); err != nil {
		return nil, errors.Join(err, r.Close(r.ctx))
	}
	r.begin()
	return r, nil
}

func create(cfg Config) (*Registrar, error) {
	if len(cfg.Doors) == 0 {
		cfg.Doors = []Door{{}} // Serve names the door of each association
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Registrar{
		cfg: cfg, log: cfg.Logger.With("server", cfg.ServerID.String()), ctx: ctx, cancel: cancel,
		space: handlespace.New(handlespace.Options{
			Server: cfg.ServerID, MaxPools: cfg.Limits.MaxPools, MaxElements: cfg.Limits.MaxElements,
			MaxPerOwner: cfg.Limits.MaxPerOwner, Rand: cfg.Rand,
		}),
		sessions: make(map[*session]struct{}), perAddr: make(map[netip.Addr]int),
		live: make(map[elementKey]*liveness), armed: make(alarms),
		stats: Stats{Refused: make(map[string]uint64)},
		peers: make(map[wire.ServerID]*peer), callers: make(map[netip.AddrPort]*caller),
		takeovers: make(map[wire.ServerID]*takeover), yields: make(map[wire.ServerID]*yield),
		contested: make(map[elementKey]contest), pools: make(map[string]*subscription),
		stackOf:  make(map[association.Transport]*association.Stack),
		claiming: make(chan struct{}, cfg.Limits.Claims), inService: make(chan struct{}),
		turning: make(chan struct{}, cfg.Limits.TurnedAway),
	}
	return r, nil
}

// Start opens every door of cfg and serves until Close. When a door cannot be opened,
// those already open are closed again and the error names the door.
func Start(ctx context.Context, cfg Config) (*Registrar, error) {
	if len(cfg.Doors) == 0 {
		return nil, ErrNoDoors
	}
	for _, d := range cfg.Doors {
		if d.Secured && cfg.Mode == Insecure {
			return nil, fmt.Errorf("%w: %s", ErrMixedDoors, d)
		}
	}
	return open(ctx, cfg)
}

// ServerID returns the identifier of this registrar (RFC 5353 section 3.2.1).
func (r *Registrar) ServerID() wire.ServerID { return r.cfg.ServerID }

// Doors returns the open doors with the ports that they really have.
func (r *Registrar) Doors() []Door { return append([]Door(nil), r.cfg.Doors...) }

// Stats returns a copy of the counters.
func (r *Registrar) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Peers, s.Elements = len(r.peers), r.space.Len()
	s.Refused = make(map[string]uint64, len(r.stats.Refused))
	for k, v := range r.stats.Refused {
		s.Refused[k] = v
	}
	return s
}

// Associations returns how many associations there are now.
func (r *Registrar) Associations() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions)
}

// InService returns a channel that is closed when the start-up of RFC 5353 section 3.2 is
// over. Until then pool elements and users are turned away, and peers rejected.
func (r *Registrar) InService() <-chan struct{} { return r.inService }

// Snapshot returns the handlespace as it is now.
func (r *Registrar) Snapshot() handlespace.Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.space.Snapshot()
}

// begin starts what the registrar does of its own.
func (r *Registrar) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beat()
	if len(r.cfg.Peers) == 0 {
		r.enterService("no peer is configured") // RFC 5353 section 3.2.2.1
		return
	}
	r.wg.Go(func() { r.joinGroup(r.ctx) })
}

// Close ends every association gracefully, as long as ctx allows, and waits for all
// goroutines. It may be called more than once.
func (r *Registrar) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	sessions := make([]*session, 0, len(r.sessions))
	for s := range r.sessions {
		sessions = append(sessions, s)
	}
	r.stopTimers()
	r.mu.Unlock()

	var errs []error
	for _, l := range r.listeners {
		errs = append(errs, l.Close())
	}
	for _, d := range r.datagrams {
		errs = append(errs, d.Close())
	}
	var closing sync.WaitGroup
	for _, s := range sessions {
		closing.Go(func() { s.close(ctx) })
	}
	closing.Wait()
	r.cancel()
	r.wg.Wait()
	for _, s := range r.stacks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

func (r *Registrar) stopTimers() {
	for a := range r.armed {
		a.stop()
	}
	if r.expiry != nil {
		r.expiry.Stop()
	}
}
