// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Embedded is the reference registrar inside the harness. Every check gets a registrar of
// its own, at a loopback address of its own with the standard ports, so that checks run
// side by side and captures are dissected without further ado.
type Embedded struct {
	faults    []Fault
	authority *Authority
	server    tls.Certificate
	// identities are what every instance begins with.
	identities []registrar.Identity
	creds      Credentials
	draw       func() netip.Addr // the address of the next instance
	wait       time.Duration     // that the harness is to wait for anything
}

// The identities and pools of the embedded reference.
const (
	embeddedServerName = "registrar.rspthreat.test"
	embeddedPool       = "EchoPool"
	embeddedOtherPool  = "PrivatePool"
	embeddedServerID   = wire.ServerID(0x0a0b0c0d)
)

// The standard ports (RFC 5352 section 8, RFC 5353 section 5).
const (
	portASAP    = 3863
	portASAPTLS = 3864
	portENRP    = 9901
	portENRPTLS = 9902
)

// embeddedTimers are short, since everything happens in one process on loopback; a check
// waits for an element to be removed after a keep-alive that nobody acknowledged.
func (w Wanted) embeddedTimers() registrar.Timers {
	t := registrar.Timers{
		KeepAlive:        30 * time.Second, // no idle keep-alive disturbs a check
		KeepAliveTimeout: time.Second,      // an honest element on a busy machine answers within half of it
		KeepAliveSpacing: 50 * time.Millisecond,
		TableSession:     5 * time.Second,
	}
	if w.Patient {
		t.KeepAliveTimeout = embeddedWait
	}
	if w.KeepAlives {
		t.KeepAlive = 400 * time.Millisecond // far above what a busy machine adds to a timer
	}
	if w.Peers { // a check need not wait long until its peers are called
		t.MentorRetry, t.PeerRedial, t.MaxTimeNoResponse = 50*time.Millisecond, 200*time.Millisecond, time.Second
	}
	return t
}

// embeddedWait bounds what the harness waits for. The reference answers within
// milliseconds; the rest is room for a machine that does other work.
const embeddedWait = 5 * time.Second

// impatience is what remains of embeddedWait where silence is what is expected.
const impatience = 2 * time.Second

// Impatient shortens what the harness waits for, where many things are to go unanswered and
// no verdict hangs on the last one that comes.
func (e *Embedded) Impatient() { e.wait = impatience }

// NewEmbedded makes keys and certificates for a reference registrar with the given faults.
func NewEmbedded(faults ...Fault) (*Embedded, error) {
	e := &Embedded{faults: faults, draw: randomLoopback, wait: embeddedWait}
	var err error
	if e.authority, err = NewAuthority("rspthreat run CA"); err != nil {
		return nil, fmt.Errorf("embedded reference: %w", err)
	}
	if e.server, err = e.authority.Server(embeddedServerName); err != nil {
		return nil, fmt.Errorf("embedded reference: %w", err)
	}
	element := func(pools ...string) registrar.Grant {
		return registrar.Grant{Role: registrar.RolePE, Pools: pools}
	}
	entries := []struct {
		keep  **PSK
		name  string
		grant registrar.Grant
	}{
		{&e.creds.Element, "pe-alice", element(embeddedPool)},
		{&e.creds.Other, "pe-bob", element(embeddedPool)},
		{&e.creds.Restricted, "pe-carol", element(embeddedOtherPool)},
		{&e.creds.Peer, "registrar-2", registrar.Grant{Role: registrar.RoleRegistrar}},
		{&e.creds.Registrar, "registrar-1", registrar.Grant{Role: registrar.RoleRegistrar}},
	}
	for _, entry := range entries {
		key := make([]byte, 32) // as long as the hash that TLS 1.3 binds it to
		if _, err := rand.Read(key); err != nil {
			return nil, fmt.Errorf("embedded reference: system randomness: %w", err)
		}
		*entry.keep = &PSK{Identity: entry.name, Key: key}
		e.identities = append(e.identities, registrar.Identity{Name: entry.name, Key: key, Grant: entry.grant})
	}
	e.creds.RootCAs, e.creds.ServerName = e.authority.Roots(), embeddedServerName
	return e, nil
}

// Doors returns the doors as every instance has them, at the address that stands for all.
func (e *Embedded) Doors() []Door { return embeddedDoors(netip.AddrFrom4([4]byte{127, 0, 0, 1})) }

// Authority returns the certificate of the authority that vouches for the reference, as DER.
func (e *Embedded) Authority() []byte { return e.authority.Certificate.Raw }

// Security reports that the reference is secured.
func (e *Embedded) Security() Security { return Secured }

// Rung reports 1: the harness starts and stops the reference itself.
func (e *Embedded) Rung() int { return 1 }

// Shared reports that instances are independent.
func (e *Embedded) Shared() bool { return false }

// Close does nothing: each instance ends with its check.
func (e *Embedded) Close(context.Context) error { return nil }

// Roles reports all three: the reference is a registrar, an element and a user.
func (e *Embedded) Roles() []Role { return Roles() }

// Prepare starts a registrar with an empty handlespace, or gives what starts elements and
// users.
func (e *Embedded) Prepare(ctx context.Context, w Wanted) (*Instance, error) {
	if w.Security == "" {
		w.Security = Secured
	}
	if w.Role == PoolElement || w.Role == PoolUser {
		return e.node(ctx, w)
	}
	var err error
	for range instanceAttempts {
		var i *Instance
		if i, err = e.start(ctx, w, e.draw()); err == nil {
			return i, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("embedded reference: %w", err)
}

// instanceAttempts is how many loopback addresses are tried when another process uses the
// one that was drawn.
const instanceAttempts = 16

func (e *Embedded) start(ctx context.Context, w Wanted, addr netip.Addr) (*Instance, error) {
	log := &lineBuffer{}
	keys, err := registrar.NewKeys(e.identities...)
	if err != nil {
		return nil, err
	}
	doors := embeddedDoors(addr)
	nodes := &nodeAddrs{base: addr}
	var peers []Place
	if w.Peers {
		peers = embeddedPeers(nodes.next, w.Security)
	}
	timers := w.embeddedTimers()
	r := &embeddedRegistrar{keys: keys, config: func() registrar.Config {
		return e.registrarConfig(w.Security, keys, doors, peers, timers, log)
	}}
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	return &Instance{
		Role: Registrar, Security: w.Security, Doors: doors, Credentials: e.creds,
		Pool: embeddedPool, OtherPool: embeddedOtherPool,
		Timers: Timers{Response: e.wait, Removal: e.wait, KeepAlive: timers.KeepAlive},
		Limits: Limits{KeepAlivesPerSecond: float64(time.Second / timers.KeepAliveSpacing)}, Peers: peers,
		Wire: wire.Strict(), Pristine: true,
		local: nodes.next, log: log.lines, close: r.close, revoke: r.revoke, restart: r.restart,
	}, nil
}

// registrarConfig is the reference registrar of one instance, with the faults of the target.
func (e *Embedded) registrarConfig(security Security, keys *registrar.Keys, doors []Door, peers []Place,
	timers registrar.Timers, log *lineBuffer,
) registrar.Config {
	cfg := registrar.Config{
		ServerID: embeddedServerID, Mode: registrar.Secured, Keys: keys,
		Certificates: &tls.Config{Certificates: []tls.Certificate{e.server}, MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true},
		Timers:       timers,
		Logger:       slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	if security == Clear {
		cfg.Mode = registrar.Insecure
	}
	for _, p := range peers {
		cfg.Peers = append(cfg.Peers, registrar.Peer{Transport: p.Transport, Addr: p.Addr, Identity: e.creds.Peer.Identity})
		cfg.Limits = registrar.DefaultLimits()
		cfg.Limits.JoinRounds = 1
		cfg.Credential = &registrar.Credential{Identity: e.creds.Registrar.Identity, Key: e.creds.Registrar.Key}
	}
	defences := registrar.NewDefences()
	granted := &struct{ registrar.Keyring }{keys}
	defences.Permission = registrar.Current(granted, defences.Permission)
	defences.Pool = registrar.Current(granted, defences.Pool)
	cfg.Defences = &defences
	for _, f := range e.faults {
		if f.apply != nil {
			f.apply(&cfg)
		}
	}
	granted.Keyring = cfg.Keys // a fault may have other ideas of who is known
	for _, d := range doors {
		if d.Secured && cfg.Mode == registrar.Insecure {
			continue
		}
		if d.Addr.Addr().IsMulticast() {
			local := netip.AddrPortFrom(doors[0].Addr.Addr(), 0)
			cfg.Announcements = &registrar.Announcements{Group: d.Addr, Local: local, Interface: loopbackInterface}
			continue
		}
		cfg.Doors = append(cfg.Doors, registrar.Door{Protocol: d.Protocol, Transport: d.Transport, Secured: d.Secured, Addr: d.Addr})
	}
	return cfg
}
