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
	peers    map[wire.ServerID]*peer
	expiry   *time.Timer
	stats    Stats
}

// Stats counts what the registrar did since it was started.
type Stats struct {
	Accepted   uint64            // associations
	Dropped    uint64            // associations refused for lack of resources, datagrams dropped
	Malformed  uint64            // messages that could not be decoded
	Refused    map[string]uint64 // requests refused, by defence
	Registered uint64            // registrations and re-registrations granted
	Removed    uint64            // elements removed for whatever reason
}

// New returns a registrar without doors of its own, for associations handed to Serve.
func New(cfg Config) (*Registrar, error) {
	if len(cfg.Doors) == 0 {
		cfg.Doors = []Door{{}} // Serve names the door of each association
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Registrar{
		cfg: cfg, log: cfg.Logger.With("server", cfg.ServerID.String()), ctx: ctx, cancel: cancel,
		space: handlespace.New(handlespace.Options{
			Server: cfg.ServerID, MaxPools: cfg.Limits.MaxPools, MaxElements: cfg.Limits.MaxElements,
			MaxPerOwner: cfg.Limits.MaxPerOwner, Rand: cfg.Rand,
		}),
		sessions: make(map[*session]struct{}), perAddr: make(map[netip.Addr]int),
		live: make(map[elementKey]*liveness), peers: make(map[wire.ServerID]*peer),
		stats: Stats{Refused: make(map[string]uint64)},
	}, nil
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
	s.Refused = make(map[string]uint64, len(r.stats.Refused))
	for k, v := range r.stats.Refused {
		s.Refused[k] = v
	}
	return s
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
	for _, l := range r.live {
		l.stop()
	}
	if r.expiry != nil {
		r.expiry.Stop()
	}
}
