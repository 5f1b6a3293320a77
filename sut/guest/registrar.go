// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Ports of rspregistrar, clear; it has no TLS.
const (
	ASAPPort = 3863
	ENRPPort = 9901
)

const (
	// registrarTimeout is from the start of a registrar to both endpoints: 0.1 s on an idle machine.
	registrarTimeout = 30 * time.Second
	// settleTimeout is for the initialization phase: 5 s, which no option of rspregistrar 3.4.4 shortens
	// (-mentordiscoverytimeout only changes what it prints).
	settleTimeout = 30 * time.Second
	// settlePoll is how often the log is read, for a phase of 5 s.
	settlePoll = 10 * time.Millisecond
	// settledLine ends the initialization phase in the log, at minLogLevel.
	settledLine = "The registrar is ready!"
	// minLogLevel names every registration, deregistration, resolution and peer, and the end of the initialization.
	minLogLevel = 5
)

// StartRegistrars starts the registrars of Config and returns when each listens on both ports. It is an error when they
// run.
func (g *Guest) StartRegistrars(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.registrars != nil {
		return errors.New("guest: the registrars run already")
	}
	return g.startRegistrars(ctx)
}

// StopRegistrars kills the registrars, as a crash would: nothing is deregistered, and every peer gets an SCTP ABORT. It is
// no error when none runs.
func (g *Guest) StopRegistrars() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stopRegistrars()
}

// Reset replaces the registrars by fresh ones that know no pool and no peer, and returns when they listen. What Spawn
// started keeps running.
func (g *Guest) Reset(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.stopRegistrars(); err != nil {
		return err
	}
	return g.startRegistrars(ctx)
}

// Settle waits until the initialization phase of every registrar is over: 5 s after its start, or when it has got the
// handlespace of a mentor. A registrar answers before that, but takes the first peer it hears in the phase for its
// mentor, and sends no ASAP announcements.
func (g *Guest) Settle(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for _, p := range g.registrars {
		if err := awaitLine(ctx, p, settledLine); err != nil {
			return fmt.Errorf("guest: %s: initialization: %w", p, err)
		}
	}
	return nil
}

// awaitLine waits until a process has written a text to its standard error.
func awaitLine(ctx context.Context, p *Process, text string) error {
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for {
		log, err := p.Stderr()
		if err != nil || strings.Contains(log, text) {
			return err
		}
		select {
		case <-tick.C:
		case <-p.Done():
			return p.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Ready tells whether each registrar listens on both ports now.
func (g *Guest) Ready(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.await(ctx, time.Nanosecond)
}

// Log is what the registrars have logged since they were last started, in the order of Addrs. It can be read after the
// guest's end, until Close.
func (g *Guest) Log() (string, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all strings.Builder
	for _, p := range g.registrars {
		text, err := p.Stderr() // standard output has only the parameters, and not before the registrar's end
		if err != nil {
			return "", fmt.Errorf("guest: log: %w", err)
		}
		all.WriteString(text)
	}
	return all.String(), nil
}

func (g *Guest) startRegistrars(ctx context.Context) error {
	for i := range g.config.Registrars {
		p, err := spawn(ctx, g.control, g.outputName("registrar"), g.registrarCommand(i), false)
		if err != nil {
			return errors.Join(err, g.stopRegistrars())
		}
		g.registrars = append(g.registrars, p)
	}
	if err := g.await(ctx, registrarTimeout); err != nil {
		return errors.Join(err, g.stopRegistrars())
	}
	return nil
}

func (g *Guest) stopRegistrars() error {
	var failed error
	for _, p := range g.registrars {
		failed = errors.Join(failed, p.Kill())
	}
	g.registrars = nil
	return failed
}

func (g *Guest) registrarCommand(i int) []string {
	level := max(g.config.LogLevel, minLogLevel)
	addr := g.network.registrar(i)
	return append([]string{
		"rspregistrar",
		"-asap=" + netip.AddrPortFrom(addr, ASAPPort).String(),
		"-enrp=" + netip.AddrPortFrom(addr, ENRPPort).String(),
		"-disable-ipv6", "-minaddressscope=sitelocal", // 10/8 is site-local; the default would drop it
		"-logcolor=off", "-loglevel=" + strconv.Itoa(level),
	}, g.config.RegistrarArgs...)
}

// await waits until every registrar listens on both ports, or one of them has ended.
func (g *Guest) await(ctx context.Context, limit time.Duration) error {
	if g.registrars == nil && g.config.Registrars > 0 {
		return errors.New("guest: the registrars do not run")
	}
	r := request{Op: opAwait, Timeout: limit}
	for i, p := range g.registrars {
		r.Watch = append(r.Watch, p.call.id)
		for _, port := range []uint16{ASAPPort, ENRPPort} {
			r.Endpoints = append(r.Endpoints, netip.AddrPortFrom(g.network.registrar(i), port).String())
		}
	}
	err := g.control.do(ctx, r)
	if err == nil {
		return nil
	}
	for _, p := range g.registrars {
		err = fmt.Errorf("%w\n%s: %s", err, p, strings.TrimSpace(tail(p.stdoutFile())+tail(p.stderrFile())))
	}
	return err
}
