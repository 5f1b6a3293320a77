// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementBed is an element and a registrar that confirms everything.
type elementBed struct {
	*testing.T
	instance *Instance
	home     *script.Station
	spec     ElementSpec
}

func newElementBed(t *testing.T, security Security, faults ...Fault) (context.Context, *elementBed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // that of t ends before its Cleanup
	t.Cleanup(cancel)
	i, err := embedded(t, faults...).Prepare(ctx, Wanted{Role: PoolElement, Security: security})
	if err != nil {
		t.Fatal(err)
	}
	b := &elementBed{T: t, instance: i}
	place := Place{Transport: association.SCTPUDP, Secured: security == Secured, Addr: netip.AddrPortFrom(i.Local(), wire.PortASAPTLS)}
	b.home, err = script.Listen(ctx, script.StationOptions{
		Name: "registrar", Peer: "pe", Wire: wire.Strict(),
		TLS: &tlspsk.Config{Lookup: func(string) []byte { return bytes.Clone(i.Credentials.Element.Key) }},
		OnMessage: func(n *script.Node, m wire.Message) bool {
			switch m := m.(type) {
			case *wire.Registration:
				_ = n.Send(ctx, &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID})
			case *wire.Deregistration:
				_ = n.Send(ctx, &wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID})
			}
			return false
		},
	}, script.Door{Protocol: wire.ASAP, Transport: place.Transport, Secured: place.Secured, Addr: place.Addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.home.Close)
	b.spec = ElementSpec{
		Security: security, Registrars: []Place{place}, Identity: i.Credentials.Element, Local: i.Node, Pool: i.Pool, ID: 7, Life: time.Minute,
	}
	return ctx, b
}

func (b *elementBed) start(ctx context.Context) ElementNode {
	b.Helper()
	n, err := b.instance.Driver.StartElement(ctx, b.spec)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	return n
}

func (b *elementBed) await(ctx context.Context, n Node, kind NodeEventKind) NodeEvent {
	b.Helper()
	for {
		select {
		case ev, open := <-n.Events():
			if !open {
				b.Fatalf("the node ended before it told %s", kind)
			}
			if ev.Kind == kind {
				return ev
			}
		case <-ctx.Done():
			b.Fatalf("the node does not tell %s: %q", kind, n.Log())
		}
	}
}

// TestEmbeddedElementDoesWhatTheDriverAsks, and tells about it.
func TestEmbeddedElementDoesWhatTheDriverAsks(t *testing.T) {
	for _, security := range []Security{Secured, Clear} {
		t.Run(string(security), func(t *testing.T) {
			ctx, b := newElementBed(t, security)
			n := b.start(ctx)
			if home := b.await(ctx, n, EventHome); home.Remote != b.spec.Registrars[0].Addr {
				t.Errorf("home %+v", home)
			}
			if ev := b.await(ctx, n, EventRegistered); ev.Pool != b.spec.Pool || ev.PEID != 7 || ev.Time.IsZero() {
				t.Errorf("registered %+v", ev)
			}
			node, err := b.home.AwaitNode(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			m, err := node.Await(ctx, func(m wire.Message) bool { return m.Type() == wire.TypeRegistration })
			if err != nil {
				t.Fatal(err)
			}
			if pe := m.(*wire.Registration).Element; pe.ID != 7 || pe.Life != 60 || node.Info().Remote.Addr() != b.instance.Node {
				t.Errorf("registration %+v from %s", pe, node.Info().Remote)
			}
			// A renewal, leaving, and coming back.
			if err := n.Register(ctx); err != nil {
				t.Fatal(err)
			}
			b.await(ctx, n, EventRegistered)
			if err := n.Deregister(ctx); err != nil {
				t.Fatal(err)
			}
			b.await(ctx, n, EventDeregistered)
			if err := n.Deregister(ctx); !errors.Is(err, ErrNode) {
				t.Errorf("leaving a pool twice: %v", err)
			}
			if err := n.Register(ctx); err != nil {
				t.Fatal(err)
			}
			b.await(ctx, n, EventRegistered)
			if len(n.Log()) == 0 {
				t.Error("the node has logged nothing")
			}
			if err := n.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			b.await(ctx, n, EventDeregistered)
			if _, open := <-n.Events(); open {
				t.Error("there are events behind the end")
			}
		})
	}
}

// TestEmbeddedElementServesItsUsersAndLeavesCookies.
func TestEmbeddedElementServesItsUsersAndLeavesCookies(t *testing.T) {
	ctx, b := newElementBed(t, Secured)
	b.spec.Service = Service{Transport: association.TCP, Addr: netip.AddrPortFrom(b.instance.Node, 0)}
	b.spec.CookieKey = bytes.Repeat([]byte{1}, 32)
	n := b.start(ctx)
	node, err := b.home.AwaitNode(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := node.Await(ctx, func(m wire.Message) bool { return m.Type() == wire.TypeRegistration })
	if err != nil {
		t.Fatal(err)
	}
	user := m.(*wire.Registration).Element.User
	if user.Kind != wire.TransportTCP || user.Port == 0 || len(user.Addrs) != 1 {
		t.Fatalf("service at %+v", user)
	}
	b.await(ctx, n, EventRegistered)
	pu, err := script.Open(ctx, script.Options{
		Name: "pu", Peer: "pe", Wire: wire.Strict(), Local: b.instance.Local(),
		Door: script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(user.Addrs[0], user.Port)},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pu.Abort()
	if err := pu.SendBytes(ctx, []byte{0x44, 0, 0, 8, 'd', 'a', 't', 'a'}); err != nil {
		t.Fatal(err)
	}
	left, err := pu.Await(ctx, func(m wire.Message) bool { return m.Type() == wire.TypeCookie })
	if err != nil {
		t.Fatal(err)
	}
	value := left.(*wire.Cookie).Value
	if err := pu.Send(ctx, &wire.CookieEcho{Value: value}); err != nil {
		t.Fatal(err)
	}
	b.await(ctx, n, EventCookie)
	value[20] ^= 1
	if err := pu.Send(ctx, &wire.CookieEcho{Value: value}); err != nil {
		t.Fatal(err)
	}
	if ev := b.await(ctx, n, EventCookieRefused); ev.Reason == "" || !ev.Remote.IsValid() {
		t.Errorf("refused cookie: %+v", ev)
	}
}

// TestEmbeddedElementTellsWhomItRefuses: at its own door and where it calls.
func TestEmbeddedElementTellsWhomItRefuses(t *testing.T) {
	ctx, b := newElementBed(t, Secured)
	b.spec.Door = Place{Transport: association.SCTPUDP, Secured: true, Addr: netip.AddrPortFrom(b.instance.Node, wire.PortASAPTLS)}
	b.spec.Caller = b.instance.Credentials.Peer
	wrong := *b.spec.Identity
	wrong.Key = bytes.Repeat([]byte{9}, 32)
	b.spec.Identity = &wrong
	n := b.start(ctx)
	if ev := b.await(ctx, n, EventRefused); ev.Remote != b.spec.Registrars[0].Addr || ev.Reason == "" {
		t.Errorf("refused %+v", ev)
	}
	if _, err := b.home.AwaitRefusal(ctx, 0); err != nil {
		t.Fatal(err)
	}
	key := b.spec.Caller
	caller, err := script.Open(ctx, script.Options{
		Name: "registrar", Peer: "pe", Wire: wire.Strict(), Local: b.instance.Local(), TLS: &tlspsk.Config{PSKIdentity: key.Identity, PSKKey: key.Key},
		Door: script.Door{Protocol: wire.ASAP, Transport: association.SCTPUDP, Secured: true, Addr: b.spec.Door.Addr},
	})
	if err != nil {
		t.Fatalf("the registrar that may call cannot: %v", err)
	}
	caller.Close(ctx)
}
