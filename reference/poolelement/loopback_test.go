// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// patience is far above what anything on loopback takes, on a machine that does much else.
const patience = 20 * time.Second

var loopbackKey = []byte("alice's key on loopback")

// startRegistrar runs a real registrar that knows alice by the given key.
func startRegistrar(t *testing.T, transport association.Transport, host string, key []byte) (*registrar.Registrar, poolelement.Registrar) {
	t.Helper()
	keys, err := registrar.NewKeys(registrar.Identity{
		Name: "alice", Key: key, Grant: registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := registrar.Start(t.Context(), registrar.Config{Keys: keys, Doors: []registrar.Door{{
		Protocol: wire.ASAP, Transport: transport, Secured: true, Addr: netip.AddrPortFrom(netip.MustParseAddr(host), 3864),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, r) })
	return r, poolelement.Registrar{Transport: transport, Addr: r.Doors()[0].Addr}
}

func stop(t *testing.T, r *registrar.Registrar) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

// await returns the next event of a kind; those before it are shown.
func await(t *testing.T, e *poolelement.Element, kind poolelement.EventKind) poolelement.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case ev := <-e.Events():
			if ev.Kind == kind {
				return ev
			}
			t.Logf("%s %s %v", ev.Kind, ev.Remote, ev.Err)
		case <-ctx.Done():
			t.Fatalf("no event %s", kind)
		}
	}
}

// members resolves the pool as alice, who may.
func members(t *testing.T, at poolelement.Registrar) []wire.PEID {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := association.Dialer{
		Transport: at.Transport, Local: netip.MustParseAddr("127.77.0.200"), PPID: wire.PPIDASAP,
		TLS: &tlspsk.Config{PSKIdentity: "alice", PSKKey: loopbackKey, Messages: at.Transport.IsSCTP()},
	}
	a, err := d.Dial(ctx, at.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close(ctx) }()
	b, err := wire.Encode(&wire.HandleResolution{PoolHandle: []byte(pool)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Send(ctx, association.Message{Payload: b}); err != nil {
		t.Fatal(err)
	}
	got, err := a.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.Decode(wire.ASAP, got.Payload, nil)
	r, ok := m.(*wire.HandleResolutionResponse)
	if err != nil || !ok {
		t.Fatalf("got %+v, %v", m, err)
	}
	var ids []wire.PEID
	for _, pe := range r.Elements {
		ids = append(ids, pe.ID)
	}
	return ids
}

// TestWithTheReferenceRegistrar: an element passes by a registrar that does not know its
// key, registers with one that does, moves to another when that ends, and deregisters.
func TestWithTheReferenceRegistrar(t *testing.T) {
	for _, transport := range []association.Transport{association.SCTPUDP, association.TCP} {
		t.Run(string(transport), func(t *testing.T) {
			rogue, rogueAddr := startRegistrar(t, transport, "127.77.0.9", []byte("a key that is not alice's"))
			first, firstAddr := startRegistrar(t, transport, "127.77.0.1", loopbackKey)
			e, err := poolelement.Start(t.Context(), poolelement.Config{
				Identity: "alice", Key: loopbackKey, Local: netip.MustParseAddr("127.77.0.100"),
				Registrars: []poolelement.Registrar{rogueAddr, firstAddr, {Transport: transport, Addr: netip.MustParseAddrPort("127.77.0.2:3864")}},
				Pools:      []poolelement.Pool{{Handle: []byte(pool), ID: peID}},
				Timers:     poolelement.Timers{ServerHunt: time.Second},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			if ev := await(t, e, poolelement.Registered); ev.Remote != firstAddr.Addr {
				t.Fatalf("registered with %s", ev.Remote)
			}
			if got := members(t, firstAddr); !slices.Equal(got, []wire.PEID{peID}) {
				t.Fatalf("members %v", got)
			}
			_, secondAddr := startRegistrar(t, transport, "127.77.0.2", loopbackKey)
			stop(t, first)
			await(t, e, poolelement.HomeLost)
			if ev := await(t, e, poolelement.Registered); ev.Remote != secondAddr.Addr {
				t.Fatalf("registered with %s", ev.Remote)
			}
			if got := members(t, secondAddr); !slices.Equal(got, []wire.PEID{peID}) {
				t.Fatalf("members %v", got)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := e.Deregister(ctx, []byte(pool)); err != nil {
				t.Fatal(err)
			}
			if got := members(t, secondAddr); len(got) != 0 {
				t.Fatalf("members %v after the deregistration", got)
			}
			if n := rogue.Stats().Accepted; n != 0 {
				t.Errorf("%d associations with a registrar that does not know our key", n)
			}
		})
	}
}

// TestRegistrarComesThroughADoor: over SCTP, from the port that the element registered from.
func TestRegistrarComesThroughADoor(t *testing.T) {
	key := []byte("the key of a registrar")
	for _, transport := range []association.Transport{association.SCTPUDP, association.TCP} {
		t.Run(string(transport), func(t *testing.T) {
			_, home := startRegistrar(t, transport, "127.77.0.3", loopbackKey)
			e, err := poolelement.Start(t.Context(), poolelement.Config{
				Identity: "alice", Key: loopbackKey,
				Registrars:    []poolelement.Registrar{home},
				Doors:         []poolelement.Door{{Transport: transport, Secured: true, Addr: netip.MustParseAddrPort("127.77.0.101:0")}},
				RegistrarKeys: []poolelement.RegistrarKey{{Name: "registrar-2", Key: key, Server: server2}},
				Timers:        poolelement.Timers{Stop: 100 * time.Millisecond}, // the new home does not answer
				Pools:         []poolelement.Pool{{Handle: []byte(pool), ID: peID}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = e.Close(t.Context()) }()
			await(t, e, poolelement.Registered)
			if _, info, _ := e.Home(); transport.IsSCTP() && info.Local != e.Doors()[0].Addr {
				t.Errorf("registered from %s, the door is at %s", info.Local, e.Doors()[0].Addr)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			call := func(identity string, key []byte) (association.Association, error) {
				d := association.Dialer{
					Transport: transport, Local: netip.MustParseAddr("127.77.0.4"), PPID: wire.PPIDASAP,
					TLS: &tlspsk.Config{PSKIdentity: identity, PSKKey: key, Messages: transport.IsSCTP(), MaxVersion: tlspsk.TLS12},
				}
				return d.Dial(ctx, e.Doors()[0].Addr)
			}
			if a, err := call("alice", loopbackKey); err == nil {
				_ = a.Abort("test")
				t.Error("the element takes its own key for a registrar's")
			}
			if a, err := call("registrar-2", loopbackKey); err == nil {
				_ = a.Abort("test")
				t.Error("the element takes a registrar's name with another key")
			}
			a, err := call("registrar-2", key)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Abort("end of the test") }()
			b, err := wire.Encode(&wire.EndpointKeepAlive{NewHome: true, Server: server2, PoolHandle: []byte(pool)})
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Send(ctx, association.Message{Payload: b}); err != nil {
				t.Fatal(err)
			}
			if ev := await(t, e, poolelement.HomeChanged); ev.Server != server2 {
				t.Fatalf("event %+v", ev)
			}
			if m, err := a.Receive(ctx); err != nil || m.Payload[0] != wire.TypeEndpointKeepAliveAck {
				t.Fatalf("got % x, %v", m.Payload, err)
			}
		})
	}
}

// TestAnnouncementByUDP: an announcement in a datagram names a registrar, and the element
// registers there over TLS.
func TestAnnouncementByUDP(t *testing.T) {
	_, home := startRegistrar(t, association.SCTPUDP, "127.77.0.5", loopbackKey)
	listen := netip.MustParseAddrPort("127.77.0.102:3863")
	e, err := poolelement.Start(t.Context(), poolelement.Config{
		Identity: "alice", Key: loopbackKey, Local: listen.Addr(),
		Announcements: &poolelement.Announcements{Listen: listen, SCTP: association.SCTPUDP},
		Pools:         []poolelement.Pool{{Handle: []byte(pool), ID: peID}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	d, err := association.ListenDatagram(t.Context(), association.DatagramConfig{Local: netip.AddrPortFrom(home.Addr.Addr(), 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	b, err := wire.Encode(&wire.ServerAnnounce{Server: server1})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Send(t.Context(), b, listen); err != nil {
		t.Fatal(err)
	}
	if ev := await(t, e, poolelement.Registered); ev.Remote != home.Addr {
		t.Fatalf("registered with %s", ev.Remote)
	}
}

func TestDoorThatCannotBeOpenedIsAnError(t *testing.T) {
	door := poolelement.Door{Transport: association.TCP, Secured: true, Addr: netip.MustParseAddrPort("192.0.2.1:3864")} // not ours
	_, err := poolelement.Start(t.Context(), poolelement.Config{
		Identity: "alice", Key: loopbackKey, Doors: []poolelement.Door{door},
		RegistrarKeys: []poolelement.RegistrarKey{{Name: "registrar-2", Key: []byte("the key of a registrar")}},
	})
	if err == nil || errors.Is(err, poolelement.ErrNoRegistrars) {
		t.Fatalf("error %v", err)
	}
}
