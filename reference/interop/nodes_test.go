//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// servicePort is where our elements serve, each at an address of its own.
const servicePort = 7000

// node is one of our elements, with a service that sends back what it gets.
type node struct {
	*poolelement.Element
	log    *logs
	events chan poolelement.Event // all that happened
}

// element starts an element of the test's pool at an address of this side, which registrars may call at the port that
// it registers from, in the dialect of rsplib unless change says otherwise.
func (b *bed) element(a netip.Addr, id wire.PEID, registrars []netip.Addr, change func(*poolelement.Config)) *node {
	b.Helper()
	stack, err := association.NewStack(association.StackConfig{Transport: association.SCTP, Local: a})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stack.Close() })
	l, err := association.Listen(b.ctx, association.ListenConfig{Transport: association.SCTP, Addr: at(a, servicePort), Stack: stack})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	n := &node{log: b.log("our element at " + a.String()), events: make(chan poolelement.Event, 256)}
	cfg := poolelement.Config{
		Mode: poolelement.Insecure, Wire: wire.Rsplib(), Local: a,
		Doors: []poolelement.Door{{Transport: association.SCTP, Addr: at(a, guest.ASAPPort)}},
		Pools: []poolelement.Pool{{
			Handle: wire.PoolHandle(pool), ID: id,
			User: wire.Transport{Kind: wire.TransportSCTP, Port: servicePort, Use: wire.DataAndControl, Addrs: []netip.Addr{a}},
		}},
		Timers: poolelement.Timers{Registration: 5 * time.Second, Deregistration: 5 * time.Second, ServerHunt: 2 * time.Second},
		Logger: logger(n.log),
	}
	for _, r := range registrars {
		cfg.Registrars = append(cfg.Registrars, poolelement.Registrar{Transport: association.SCTP, Addr: at(r, guest.ASAPPort)})
	}
	if change != nil {
		change(&cfg)
	}
	if n.Element, err = poolelement.Start(b.ctx, cfg); err != nil {
		b.Fatal(err)
	}
	go func() {
		for ev := range n.Events() {
			n.events <- ev
		}
		close(n.events)
	}()
	go n.serve(b.ctx, l)
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_ = n.Close(ctx) // a test may have ended its registrar
	})
	return n
}

// serve sends back what users send.
func (n *node) serve(ctx context.Context, l association.Listener) {
	for {
		a, err := l.Accept(ctx)
		if err != nil {
			return
		}
		go func() {
			defer a.Abort("the conversation has ended")
			c, err := n.Control(ctx, wire.PoolHandle(pool), a, 0)
			for err == nil {
				var m poolelement.FromUser
				if m, err = c.Receive(ctx); err == nil && m.Data != nil {
					err = c.SendData(ctx, m.Data)
				}
			}
		}()
	}
}

// expect waits for an event of a kind and returns it.
func (b *bed) expect(n *node, kind poolelement.EventKind) poolelement.Event {
	b.Helper()
	limit := time.After(soon)
	for {
		select {
		case ev, more := <-n.events:
			if !more {
				b.Fatalf("the element ended before %s", kind)
			}
			if ev.Kind == kind {
				return ev
			}
		case <-limit:
			b.Fatalf("not within %v: %s", soon, kind)
		}
	}
}

// user starts one of our users, in the dialect of rsplib unless change says otherwise.
func (b *bed) user(registrars []netip.Addr, change func(*pooluser.Config)) *pooluser.User {
	b.Helper()
	cfg := pooluser.Config{
		Mode: pooluser.Clear, Wire: wire.Rsplib(),
		Elements: pooluser.Elements{Security: pooluser.ElementsClear, SCTP: association.SCTP},
		Timers:   pooluser.Timers{Request: 5 * time.Second, Hunt: 2 * time.Second, StaleCache: pooluser.NoCache, Connect: 3 * time.Second},
		Logger:   logger(b.log("our user")),
	}
	for _, r := range registrars {
		cfg.Servers = append(cfg.Servers, pooluser.Server{Transport: association.SCTP, Addr: at(r, guest.ASAPPort)})
	}
	if change != nil {
		change(&cfg)
	}
	u, err := pooluser.New(b.ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_ = u.Close(ctx) // a test may have ended its element
	})
	return u
}

// resolved tells whether a user finds just these elements in the pool.
func (b *bed) resolved(u *pooluser.User, ids ...wire.PEID) bool {
	b.Helper()
	r, err := u.Resolve(b.ctx, pool)
	if err != nil || len(r.Elements) != len(ids) {
		return false
	}
	found := make(map[wire.PEID]bool)
	for _, e := range r.Elements {
		found[e.ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			return false
		}
	}
	return true
}

// echoed sends a text over a session and waits until it comes back; it returns who sent it back.
func (b *bed) echoed(s *pooluser.Session, text string) wire.PEID {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, soon)
	defer cancel()
	if err := s.Send(ctx, []byte(text)); err != nil {
		b.Fatal(err)
	}
	m, err := s.Receive(ctx)
	if err != nil || string(m.Data) != text {
		b.Fatalf("sent %q, got %q, %v", text, m.Data, err)
	}
	return m.Element
}

func newTestSession(b *bed, u *pooluser.User, options ...pooluser.SessionOption) *pooluser.Session {
	b.Helper()
	s, err := u.Open(b.ctx, pool, options...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_ = s.Close(ctx) // the element may be gone
	})
	return s
}

func hosts(list ...netip.Addr) []netip.Addr { return list }
