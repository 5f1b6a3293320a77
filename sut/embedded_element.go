// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/poolelement/echo"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// embeddedElement is the reference pool element with an echo service.
type embeddedElement struct {
	*eventLog
	element *poolelement.Element
	service *echo.Service
	pool    poolelement.Pool
}

// elementTimers are short, since everything happens in one process on loopback; a check
// waits for what the element does when nobody answers it.
func elementTimers() poolelement.Timers {
	return poolelement.Timers{
		Registration: 2 * time.Second, Deregistration: 2 * time.Second,
		ServerHunt: 100 * time.Millisecond, ServerHuntMax: 2 * time.Second, // doubled when a set was in vain
		ServerOutdate: 2 * time.Second, ExpiredPause: 50 * time.Millisecond, Retry: 200 * time.Millisecond,
		Close: time.Second, Stop: 2 * time.Second, StrangerTimeout: time.Second,
	}
}

// StartElement starts a reference pool element with the faults of the target.
func (e *Embedded) StartElement(ctx context.Context, spec ElementSpec) (ElementNode, error) {
	n := &embeddedElement{eventLog: newEventLog()}
	cfg := poolelement.Config{
		Mode: poolelement.Secured, Local: spec.Local, Timers: elementTimers(), Wire: wire.Strict(), Logger: n.logger(),
	}
	if spec.Security == Clear {
		cfg.Mode = poolelement.Insecure
	}
	if spec.Identity != nil {
		cfg.Identity, cfg.Key = spec.Identity.Identity, spec.Identity.Key
	}
	if spec.Caller != nil {
		cfg.RegistrarKeys = []poolelement.RegistrarKey{{Name: spec.Caller.Identity, Key: spec.Caller.Key}}
	}
	for _, p := range spec.Registrars {
		cfg.Registrars = append(cfg.Registrars, poolelement.Registrar{Transport: p.Transport, Addr: p.Addr, UDPPort: p.EncapsulationPort})
	}
	if d := spec.Door; d.Transport != "" {
		cfg.Doors = []poolelement.Door{{Transport: d.Transport, Secured: d.Secured, Addr: d.Addr}}
		if clear := netip.AddrPortFrom(d.Addr.Addr(), wire.PortASAP); d.Secured && clear != d.Addr { // open only to refuse
			cfg.Doors = append(cfg.Doors, poolelement.Door{Transport: d.Transport, Addr: clear})
		}
		cfg.EncapsulationPort = d.EncapsulationPort
	}
	if group := spec.Announcements; group.IsValid() {
		cfg.Announcements = &poolelement.Announcements{
			Listen: group, Groups: []netip.Addr{group.Addr()}, Interface: loopbackInterface, SCTP: association.SCTPUDP,
		}
	}
	var options []echo.Option
	if spec.CookieKey != nil {
		var err error
		if cfg.Cookies, err = poolelement.NewCookies(spec.CookieKey); err != nil {
			return nil, fmt.Errorf("embedded element: %w", err)
		}
		options = append(options, echo.WithCookies(), echo.OnCookie(n.cookie))
	}
	if err := againstInsiders(&cfg, &spec); err != nil {
		return nil, fmt.Errorf("embedded element: %w", err)
	}
	n.pool = poolelement.Pool{Handle: wire.PoolHandle(spec.Pool), ID: spec.ID, Policy: spec.Policy, Life: int32(spec.Life / time.Second)}
	if err := n.start(ctx, &cfg, spec.Service, options, e); err != nil {
		return nil, fmt.Errorf("embedded element: %w", err)
	}
	return n, nil
}

// loopbackInterface is where nodes of the embedded reference join multicast groups.
const loopbackInterface = "lo"

func (n *embeddedElement) start(ctx context.Context, cfg *poolelement.Config, s Service, options []echo.Option, e *Embedded) error {
	for _, f := range e.faults {
		if f.service != nil {
			options = append(options, echo.Through(f.service))
		}
	}
	n.service = echo.New(cfg.Logger, options...)
	if s.Transport != "" {
		door := echo.Door{Transport: s.Transport, Addr: s.Addr}
		if s.Secured {
			pair, err := tls.X509KeyPair(s.Certificate, s.Key)
			if err != nil {
				return fmt.Errorf("certificate of the service: %w", err)
			}
			door.TLS = &tlspsk.Config{
				Certificates: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
				Messages:     s.Transport.IsSCTP(),
			}
		}
		user, err := n.service.Listen(ctx, door)
		if err != nil {
			return errors.Join(err, n.service.Close(ctx))
		}
		n.pool.User = user
	}
	cfg.Pools = []poolelement.Pool{n.pool}
	defences := poolelement.NewDefences()
	cfg.Defences = &defences
	for _, f := range e.faults {
		if f.element != nil {
			f.element(cfg)
		}
		if f.everyKey {
			takeForRegistrars(cfg, e.creds.Keys())
		}
	}
	var err error
	if n.element, err = poolelement.Start(ctx, *cfg); err != nil {
		return errors.Join(err, n.service.Close(ctx))
	}
	n.pool = cfg.Pools[0]
	if s.Transport != "" {
		n.service.Serve(n.element, cfg.Pools)
	}
	n.follow(func() {
		for ev := range n.element.Events() {
			n.tell(ev)
		}
	})
	return nil
}

// elementEvents says what the events of the reference element mean to a check.
var elementEvents = map[poolelement.EventKind]NodeEventKind{
	poolelement.HomeFound: EventHome, poolelement.HomeChanged: EventHome, poolelement.HomeLost: EventHomeLost,
	poolelement.RegistrarRefused: EventRefused, poolelement.RegistrarFailed: EventRefused, poolelement.HomeRefused: EventRefused,
	poolelement.Registered: EventRegistered, poolelement.Rejected: EventRejected, poolelement.Deregistered: EventDeregistered,
}

func (n *embeddedElement) tell(ev poolelement.Event) {
	kind, ok := elementEvents[ev.Kind]
	if !ok {
		return
	}
	out := NodeEvent{Time: ev.Time, Kind: kind, Pool: string(ev.Pool), PEID: ev.PEID, Remote: ev.Remote}
	if ev.Err != nil {
		out.Reason = ev.Err.Error()
	}
	n.emit(out)
}

// cookie is called by the service.
func (n *embeddedElement) cookie(pool wire.PoolHandle, remote netip.AddrPort, _ []byte, refused error) {
	ev := NodeEvent{Time: time.Now(), Kind: EventCookie, Pool: string(pool), Remote: remote}
	if refused != nil {
		ev.Kind, ev.Reason = EventCookieRefused, refused.Error()
	}
	n.emit(ev)
}

// Register joins the pool again, or renews the registration.
func (n *embeddedElement) Register(context.Context) error {
	if err := n.element.Register(n.pool); err != nil {
		return fmt.Errorf("%w: %w", ErrNode, err)
	}
	return nil
}

// Deregister leaves the pool.
func (n *embeddedElement) Deregister(ctx context.Context) error {
	if err := n.element.Deregister(ctx, n.pool.Handle); err != nil {
		return fmt.Errorf("%w: %w", ErrNode, err)
	}
	return nil
}

// Stop deregisters and ends the element and its service.
func (n *embeddedElement) Stop(ctx context.Context) error {
	err := errors.Join(n.element.Close(ctx), n.service.Close(ctx))
	n.end()
	return err
}

// logger writes to the log of the node.
func (l *eventLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&l.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
