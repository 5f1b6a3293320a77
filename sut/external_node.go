// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
)

// openNodes reads what the roles of elements and users need.
func (e *External) openNodes() error {
	if !e.cfg.has(PoolElement) && !e.cfg.has(PoolUser) {
		return nil
	}
	if err := e.openAuthority(); err != nil {
		return err
	}
	if e.cfg.Adapter != nil {
		return e.makeKeys()
	}
	for _, role := range []Role{PoolElement, PoolUser} {
		if !e.cfg.has(role) {
			continue
		}
		n := e.cfg.node(role)
		run := e.commands(n.Commands, n.LogFile)
		run.background = true
		e.nodes[role] = &nodeDriver{cfg: e.cfg, role: role, node: n, run: run, roots: e.authority.PEM()}
	}
	return nil
}

// openAuthority reads the test authority, or makes one where nodes can be told of it.
func (e *External) openAuthority() error {
	in := e.cfg.Credentials
	if in.AuthorityFile == "" && in.AuthorityKeyFile == "" {
		if e.cfg.Adapter == nil && e.cfg.Security == Secured && e.cfg.has(PoolUser) {
			return errors.New("credentials: a secured pool user without an adapter needs authority_file and authority_key_file: a test authority that it trusts, with its key")
		}
		var err error
		e.authority, err = NewAuthority("rspthreat run CA")
		return err
	}
	certificate, err := os.ReadFile(e.cfg.path(in.AuthorityFile))
	if err != nil {
		return fmt.Errorf("credentials.authority_file: %w", err)
	}
	key, err := os.ReadFile(e.cfg.path(in.AuthorityKeyFile))
	if err != nil {
		return fmt.Errorf("credentials.authority_key_file: %w", err)
	}
	e.secrets.add(key)
	if e.authority, err = LoadAuthority(certificate, key); err != nil {
		return fmt.Errorf("credentials.authority_file: %w", err)
	}
	return nil
}

// pskLength is as long as the hash that TLS 1.3 binds a key to.
const pskLength = 32

// makeKeys makes the identities that the configuration does not name: an adapter can be told.
func (e *External) makeKeys() error {
	if e.cfg.Security == Clear {
		return nil
	}
	for _, i := range []struct {
		name string
		into **PSK
	}{
		{"pe-alice", &e.creds.Element},
		{"pe-bob", &e.creds.Other},
		{"pe-carol", &e.creds.Restricted},
		{"registrar-2", &e.creds.Peer},
	} {
		if *i.into != nil {
			continue
		}
		key := make([]byte, pskLength)
		if _, err := rand.Read(key); err != nil {
			return fmt.Errorf("system randomness: %w", err)
		}
		*i.into = &PSK{Identity: i.name, Key: key}
		e.secrets.addPSK(*i.into)
	}
	return nil
}

// needsKeys tells whether the configuration has to name keys: nobody else can know those of
// a system that is not driven by an adapter.
func (c *Config) needsKeys() bool {
	return c.has(Registrar) || c.has(PoolElement) && c.Adapter == nil
}

// node is an instance for an element or user under test, which the check starts.
func (e *External) node(ctx context.Context, w Wanted) (*Instance, error) {
	if !e.cfg.has(w.Role) {
		return nil, fmt.Errorf("%w: its configuration has no %s", ErrUnsupported, w.Role)
	}
	if w.Security == "" {
		w.Security = e.cfg.Security
	}
	n := e.cfg.node(w.Role)
	places, err := n.places(w.Security)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	i := &Instance{
		Role: w.Role, Security: w.Security, Credentials: e.creds, Authority: e.authority, Registrars: places,
		Pool: e.cfg.Pool, OtherPool: e.cfg.OtherPool, Timers: e.times, Limits: e.cfg.Limits, Wire: e.cfg.wire(), Pristine: true,
		ServiceTransport: association.Transport(n.ServiceTransport),
		local:            e.nextLocal,
	}
	if n.Address != "" {
		i.Node, _ = netip.ParseAddr(n.Address) // checked when the file was read
	}
	if w.Security == Clear {
		i.Credentials = Credentials{}
	}
	if e.cfg.Adapter == nil {
		return i, e.commanded(ctx, i)
	}
	if len(e.local) == 0 && len(places) == 0 && n.Address == "" {
		// It runs on this machine, at addresses that nobody else has.
		i.Node = randomLoopback()
		i.local = (&nodeAddrs{base: i.Node}).next
	}
	return i, e.adapted(ctx, i)
}

func (e *External) adapterOptions() adapterOptions {
	return adapterOptions{
		dir: e.cfg.dir, argv: e.cfg.Adapter.Command, timeout: e.cfg.Adapter.timeout(), grace: adapterGrace, secrets: e.secrets,
	}
}

// adapted starts the adapter of an instance.
func (e *External) adapted(ctx context.Context, i *Instance) error {
	a, err := startAdapter(ctx, e.adapterOptions())
	if err != nil {
		return err
	}
	if !slices.Contains(a.hello.Roles, i.Role) {
		return errors.Join(fmt.Errorf("%w: its adapter has no %s", ErrUnsupported, i.Role), a.close())
	}
	i.Driver = declining{cfg: e.cfg, inner: a}
	i.log = func() []string { return e.secrets.lines(a.log.lines()) }
	i.broken = a.ping
	i.close = func(context.Context) error { return a.close() }
	return nil
}

// declining is a driver whose system says in its configuration what it does not have.
type declining struct {
	cfg   *Config
	inner Driver
}

// StartElement starts an element that needs nothing of what the system does not have.
func (d declining) StartElement(ctx context.Context, spec ElementSpec) (ElementNode, error) {
	if err := d.cfg.lacks(PoolElement, spec.features()); err != nil {
		return nil, err
	}
	return d.inner.StartElement(ctx, spec)
}

// StartUser starts a user that needs nothing of what the system does not have.
func (d declining) StartUser(ctx context.Context, spec UserSpec) (UserNode, error) {
	if err := d.cfg.lacks(PoolUser, spec.features()); err != nil {
		return nil, err
	}
	return d.inner.StartUser(ctx, spec)
}
