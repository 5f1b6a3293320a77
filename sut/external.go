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
	cfg   *Config
	doors []Door
	creds Credentials
	times Timers
	local []netip.Addr
	next  atomic.Uint32
	run   *commands
}

// NewExternal reads the credentials that cfg names and checks that they fit together.
func NewExternal(cfg *Config) (*External, error) {
	e := &External{cfg: cfg, run: &commands{CommandConfig: cfg.Commands, dir: cfg.dir}}
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
	return e, nil
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
		return creds, errors.New("credentials: a secured system needs psk_file and element")
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

// Rung is 1 when the configuration has commands, otherwise 0.
func (e *External) Rung() int {
	if len(e.cfg.Commands.Start) > 0 || len(e.cfg.Commands.Reset) > 0 {
		return 1
	}
	return 0
}

// Shared reports that there is one system for all checks.
func (e *External) Shared() bool { return true }

// Close stops the system if the harness started it.
func (e *External) Close(ctx context.Context) error { return e.run.stop(ctx) }

// Roles reports what the configuration describes.
func (e *External) Roles() []Role { return []Role{Registrar} }

// Prepare resets the system where it has a command for that.
func (e *External) Prepare(ctx context.Context, w Wanted) (*Instance, error) {
	if w.Security != "" && w.Security != e.cfg.Security {
		return nil, fmt.Errorf("%w: it is declared %s", ErrNoVariant, e.cfg.Security)
	}
	if err := e.run.prepare(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	log := e.mark()
	if len(e.cfg.Commands.Log) > 0 {
		log = func() []string { return e.run.log(context.WithoutCancel(ctx)) }
	}
	return &Instance{
		Role: Registrar, Security: e.cfg.Security, Doors: e.doors, Credentials: e.creds,
		Pool: e.cfg.Pool, OtherPool: e.cfg.OtherPool, Timers: e.times, Wire: e.cfg.wire(),
		Pristine: len(e.cfg.Commands.Reset) > 0,
		local:    e.nextLocal, log: log,
		close: e.run.restore, revoke: e.run.revoke, restart: e.run.restart,
	}, nil
}

func (e *External) nextLocal() netip.Addr {
	if len(e.local) == 0 {
		return netip.Addr{}
	}
	return e.local[int(e.next.Add(1)-1)%len(e.local)]
}

// mark remembers where the log file ends and returns what reads it from there.
func (e *External) mark() func() []string {
	if e.cfg.LogFile == "" {
		return nil
	}
	path := e.cfg.path(e.cfg.LogFile)
	info, err := os.Stat(path)
	if err != nil {
		info = nil // it is not there yet, and will be new when it is
	}
	return func() []string { return tail(path, info) }
}
