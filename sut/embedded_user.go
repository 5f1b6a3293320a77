// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// embeddedUser is the reference pool user with one session.
type embeddedUser struct {
	*eventLog
	user *pooluser.User
	pool string

	mu      sync.Mutex // held while one message is sent and answered
	session *pooluser.Session
}

// userTimers are a little shorter than what the harness waits for, and not much: a machine
// that does other work must not make the user give up what goes well.
func userTimers() pooluser.Timers {
	const most = embeddedWait - time.Second
	return pooluser.Timers{
		Request: most, Hunt: most, HuntMax: most, Connect: most, Failover: 2 * most, Outdate: most,
		StaleCache: pooluser.NoCache, // a check looks at what a registrar says now
	}
}

// errNoRoots is wrapped by errors about authorities that cannot be read.
var errNoRoots = errors.New("no certificate in the authorities")

func roots(pem []byte) (*x509.CertPool, error) {
	if pem == nil {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errNoRoots
	}
	return pool, nil
}

// StartUser starts a reference pool user with the faults of the target.
func (e *Embedded) StartUser(ctx context.Context, spec UserSpec) (UserNode, error) {
	n := &embeddedUser{eventLog: newEventLog(), pool: spec.Pool}
	cfg := pooluser.Config{Mode: pooluser.Secured, Timers: userTimers(), Wire: wire.Strict(), Logger: n.logger()}
	if spec.Security == Clear {
		cfg.Mode = pooluser.Clear
	}
	if spec.Elements == Clear {
		cfg.Elements.Security = pooluser.ElementsClear
	}
	if spec.Identity != nil {
		cfg.Credentials.PSKIdentity, cfg.Credentials.PSKKey = spec.Identity.Identity, spec.Identity.Key
	}
	var err error
	if cfg.Credentials.RootCAs, err = roots(spec.Roots); err != nil {
		return nil, fmt.Errorf("embedded user: registrars: %w", err)
	}
	if cfg.Elements.Credentials.RootCAs, err = roots(spec.ElementRoots); err != nil {
		return nil, fmt.Errorf("embedded user: elements: %w", err)
	}
	cfg.Elements.Name, cfg.ProveSelection = spec.ElementName, spec.ProveSelection
	for _, p := range spec.Registrars {
		cfg.Servers = append(cfg.Servers, pooluser.Server{Transport: p.Transport, Addr: p.Addr, Name: p.Name, UDPPort: p.EncapsulationPort})
	}
	if group := spec.Announcements; group.IsValid() {
		cfg.Announce = &pooluser.Announce{Local: group, Groups: []netip.Addr{group.Addr()}, Interface: loopbackInterface}
	}
	if spec.Seed != 0 {
		cfg.Rand = mathrand.NewPCG(spec.Seed, spec.Seed)
	}
	cfg.Dial = pooluser.DialFrom(spec.Local) // so that captures tell who is who
	defences := pooluser.NewDefences()
	cfg.Defences = &defences
	for _, f := range e.faults {
		if f.user != nil {
			f.user(&cfg)
		}
	}
	if n.user, err = pooluser.New(ctx, cfg); err != nil {
		return nil, fmt.Errorf("embedded user: %w", err)
	}
	return n, nil
}

// Resolve resolves the pool.
func (n *embeddedUser) Resolve(ctx context.Context) ([]Member, error) {
	r, err := n.user.Resolve(ctx, n.pool)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNode, err)
	}
	members := make([]Member, 0, len(r.Elements))
	for i := range r.Elements {
		m := Member{ID: r.Elements[i].ID}
		if t := &r.Elements[i].User; len(t.Addrs) > 0 {
			m.Addr = netip.AddrPortFrom(t.Addrs[0], t.Port)
		}
		members = append(members, m)
	}
	return members, nil
}

// Send sends data to an element and waits for one message from it.
func (n *embeddedUser) Send(ctx context.Context, data []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.session == nil {
		s, err := n.user.Open(ctx, n.pool, pooluser.OnFailover(n.failover))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNode, err)
		}
		n.session = s
		n.connected(EventSelected, s)
		n.connected(EventConnected, s)
	}
	if err := n.session.Send(ctx, data); err != nil {
		return nil, n.broken(ctx, err)
	}
	r, err := n.session.Receive(ctx)
	if err != nil {
		return nil, n.broken(ctx, err)
	}
	return r.Data, nil
}

// broken gives up a session that has ended, so that the next Send opens another one.
func (n *embeddedUser) broken(ctx context.Context, err error) error {
	if n.session.Err() != nil {
		_ = n.session.Close(ctx) // it has ended; its error is the one that counts
		n.session = nil
	}
	return fmt.Errorf("%w: %w", ErrNode, err)
}

func (n *embeddedUser) connected(kind NodeEventKind, s *pooluser.Session) {
	e, context, ok := s.Element()
	if !ok {
		return // it is on its way to another element, which the notice tells
	}
	n.emit(NodeEvent{Time: time.Now(), Kind: kind, Pool: n.pool, PEID: e.ID, Secured: context.Secured})
}

// failover is the notice that the application gets before anything goes to the next element.
func (n *embeddedUser) failover(_ context.Context, f pooluser.Failover) error {
	n.emit(NodeEvent{
		Time: time.Now(), Kind: EventFailover, Pool: f.Pool, From: f.From.ID, PEID: f.To.ID,
		Secured: f.Context.Secured, Reason: f.Cause.Error(),
	})
	return nil
}

// Stop ends the session and the user.
func (n *embeddedUser) Stop(ctx context.Context) error {
	err := n.user.Close(ctx)
	n.end()
	return err
}
