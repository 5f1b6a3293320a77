// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// External is a system that somebody else runs, described by a configuration file.
type External struct {
	cfg     *Config
	doors   []Door
	creds   Credentials
	times   Timers
	local   []netip.Addr
	next    atomic.Uint32
	secrets *redactor
	run     *commands
	// authority certifies what the harness plays for elements and users.
	authority *Authority
	nodes     map[Role]*nodeDriver // those that no adapter drives
	// viewless is set when the adapter has turned out to know nothing of registrars.
	viewless atomic.Bool
}

// NewExternal reads the credentials that cfg names and checks that they fit together.
func NewExternal(cfg *Config) (*External, error) {
	e := &External{cfg: cfg, secrets: &redactor{}, nodes: make(map[Role]*nodeDriver)}
	var err error
	if e.doors, err = cfg.doors(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if e.times, err = cfg.timers(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	for _, a := range cfg.LocalAddresses {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			return nil, fmt.Errorf("%w: local_addresses: %w", ErrConfig, err)
		}
		e.local = append(e.local, addr)
	}
	if e.creds, err = cfg.credentials(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	e.secrets.addPSK(e.creds.Keys()...)
	if err := e.openNodes(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	e.run = e.commands(cfg.Commands, cfg.LogFile)
	e.run.reach = func(ctx context.Context) error { return Reach(ctx, e.Doors()) }
	return e, nil
}

func (e *External) commands(c CommandConfig, logFile string) *commands {
	out := &commands{CommandConfig: c, dir: e.cfg.dir}
	if logFile != "" {
		out.file = e.cfg.path(logFile)
	}
	return out
}

func (c *Config) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

func (c *Config) credentials() (Credentials, error) {
	var creds Credentials
	in := c.Credentials
	creds.ServerName = in.ServerName
	if in.CAFile != "" {
		pem, err := os.ReadFile(c.path(in.CAFile))
		if err != nil {
			return creds, fmt.Errorf("credentials.ca_file: %w", err)
		}
		creds.RootCAs = x509.NewCertPool()
		if !creds.RootCAs.AppendCertsFromPEM(pem) {
			return creds, fmt.Errorf("credentials.ca_file: no certificate in %s", in.CAFile)
		}
		if in.ServerName == "" {
			return creds, errors.New("credentials.server_name: is needed with ca_file")
		}
	}
	if c.Security == Clear {
		return creds, nil
	}
	if in.PSKFile == "" || in.Element == "" {
		if c.needsKeys() {
			return creds, errors.New("credentials: a secured system needs psk_file and element")
		}
		return creds, nil
	}
	keys, err := registrar.ReadPSKFile(c.path(in.PSKFile))
	if err != nil {
		return creds, err
	}
	for _, field := range []struct {
		name, identity string
		into           **PSK
	}{
		{"element", in.Element, &creds.Element},
		{"other_element", in.OtherElement, &creds.Other},
		{"restricted_element", in.RestrictedElement, &creds.Restricted},
		{"peer", in.Peer, &creds.Peer},
		{"registrar", in.Registrar, &creds.Registrar},
	} {
		if field.identity == "" {
			continue
		}
		key, ok := keys[field.identity]
		if !ok {
			return creds, fmt.Errorf("credentials.%s: identity %q is not in %s", field.name, field.identity, in.PSKFile)
		}
		*field.into = &PSK{Identity: field.identity, Key: key}
	}
	return creds, nil
}

// Config returns the configuration.
func (e *External) Config() *Config { return e.cfg }

// Doors returns the doors of the configuration, without those that only attackers try.
func (e *External) Doors() []Door { return e.doors[:len(e.cfg.Doors)] }

// Security is what the configuration declares.
func (e *External) Security() Security { return e.cfg.Security }

// Rung is 2 with an adapter, 1 when the configuration has commands, otherwise 0.
func (e *External) Rung() int {
	if e.cfg.Adapter != nil {
		return 2
	}
	for _, c := range []CommandConfig{e.cfg.Commands, e.cfg.node(PoolElement).Commands, e.cfg.node(PoolUser).Commands} {
		if len(c.Start) > 0 || len(c.Reset) > 0 {
			return 1
		}
	}
	return 0
}

// Shared reports that there is one system for all checks, unless an adapter drives all of it
// and says otherwise.
func (e *External) Shared() bool {
	return e.cfg.Adapter == nil || !e.cfg.Adapter.Parallel || e.cfg.has(Registrar)
}

// Dead returns an error when a registrar that the commands have started has ended by itself.
func (e *External) Dead(ctx context.Context) error { return e.run.dead(ctx) }

// Close stops what the harness started.
func (e *External) Close(ctx context.Context) error {
	err := e.run.stop(ctx)
	for _, n := range e.nodes {
		err = errors.Join(err, n.run.stop(ctx))
	}
	return err
}

// Roles reports what the configuration describes.
func (e *External) Roles() []Role { return e.cfg.Roles }

// Declines returns the system's own word that it does not do what a requirement is about; ""
// when it does not say so.
func (e *External) Declines(requirement, section string, role Role) string {
	return e.cfg.Declines(requirement, section, role)
}

// Prepare resets the system where it has a command for that, and starts the adapter of an
// element or user.
func (e *External) Prepare(ctx context.Context, w Wanted) (*Instance, error) {
	if w.Role == PoolElement || w.Role == PoolUser {
		return e.node(ctx, w)
	}
	if w.Security != "" && w.Security != e.cfg.Security {
		return nil, fmt.Errorf("%w: it is declared %s", ErrNoVariant, e.cfg.Security)
	}
	if err := e.run.prepare(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	peers, err := e.cfg.peers()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	from := e.run.position()
	i := &Instance{
		Role: Registrar, Security: e.cfg.Security, Doors: e.doors, Credentials: e.creds,
		Pool: e.cfg.Pool, OtherPool: e.cfg.OtherPool, Timers: e.times, Limits: e.cfg.Limits, Peers: peers, Wire: e.cfg.wire(),
		Pristine: len(e.cfg.Commands.Reset) > 0 || e.cfg.Commands.Fresh,
		local:    e.nextLocal,
		log:      func() []string { return e.secrets.lines(e.run.logged(context.WithoutCancel(ctx), from)) },
		close: func(ctx context.Context) error {
			if err := e.run.restore(ctx); err != nil {
				return fmt.Errorf("%w: %w", ErrUnreachable, err)
			}
			return nil
		},
		revoke: e.run.revoke, restart: e.run.restart, broken: e.run.dead,
	}
	if err := e.own(ctx, i); err != nil {
		return nil, err
	}
	return i, nil
}

func (e *External) nextLocal() netip.Addr {
	if len(e.local) == 0 {
		return netip.Addr{}
	}
	return e.local[int(e.next.Add(1)-1)%len(e.local)]
}
