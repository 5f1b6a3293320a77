// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// home returns the address of the home registrar.
func (b *bed) home() string {
	synctest.Wait()
	_, info, ok := b.e.Home()
	if !ok {
		return ""
	}
	return info.Remote.String()
}

// TestHomeChange: who may move the element by the H flag, and who may not (draft section
// 2.6, RFC 5352 section 3.4 KA2.4).
func TestHomeChange(t *testing.T) {
	const came = "198.51.100.66:7000"
	home := registrarAt(1).Addr.String()
	for _, row := range []struct {
		name     string
		identity string // of the sender that comes to us
		messages []wire.Message
		moved    bool
		refused  uint64 // keep-alives refused
		acks     int
	}{
		{"a registrar by its own key", "registrar-9", []wire.Message{keepAlive(true, rogueID)}, true, 0, 1},
		{"a registrar with its server ID", "registrar-2", []wire.Message{keepAlive(true, server2)}, true, 0, 1},
		{"a registrar with a foreign server ID", "registrar-2", []wire.Message{keepAlive(true, rogueID)}, false, 1, 0},
		{"a registrar with two server IDs", "registrar-9", []wire.Message{keepAlive(false, rogueID), keepAlive(true, server2)}, false, 1, 1},
		{"a registrar without the H flag", "registrar-9", []wire.Message{keepAlive(false, rogueID)}, false, 0, 1},
		{"a registrar for another pool", "registrar-9", []wire.Message{&wire.EndpointKeepAlive{NewHome: true, Server: rogueID, PoolHandle: []byte(otherPool)}}, false, 0, 0},
		{"in clear", "clear", []wire.Message{keepAlive(true, rogueID)}, false, 1, 0},
		{"over TLS, anonymous", "", []wire.Message{keepAlive(true, rogueID)}, false, 1, 0},
		{"another element", "bob", []wire.Message{keepAlive(true, rogueID)}, false, 1, 0},
		{"our own identity", "alice", []wire.Message{keepAlive(true, rogueID)}, false, 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h *host
			run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				b.registered(h)
				n := b.come(row.identity)
				n.send(row.messages...)
				want := home
				if row.moved {
					want = came
				}
				if got := b.home(); got != want {
					t.Fatalf("home is %s, want %s", got, want)
				}
				if got := b.e.Stats(); got.HomesRefused != row.refused || got.Acknowledgements != uint64(row.acks) {
					t.Errorf("%d refused, %d acknowledged, want %d and %d", got.HomesRefused, got.Acknowledgements, row.refused, row.acks)
				}
			})
		})
	}
}

func TestStrangerLosesItsAssociation(t *testing.T) {
	for _, speaks := range []bool{true, false} {
		run(t, config(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
			n := b.come("clear")
			if ev := b.event(poolelement.RegistrarRefused); !errors.Is(ev.Err, poolelement.ErrRefused) {
				t.Errorf("event %+v", ev)
			}
			if speaks {
				n.send(keepAlive(true, rogueID))
				n.ended()
				if ev := b.event(poolelement.HomeRefused); ev.Server != rogueID || string(ev.Pool) != pool {
					t.Errorf("event %+v", ev)
				}
				return
			}
			n.silent(5*time.Second - time.Millisecond)
			time.Sleep(time.Millisecond)
			n.ended()
		})
	}
}

func TestTakeoverKeepsTheRegistrationAndRenewsItAtTheNewHome(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		old := b.registered(h)
		n := b.come("registrar-2")
		time.Sleep(10 * time.Second)
		n.send(keepAlive(true, server2))
		expect[*wire.EndpointKeepAliveAck](n)
		if ev := b.event(poolelement.HomeChanged); ev.Server != server2 {
			t.Fatalf("event %+v", ev)
		}
		old.ended()
		n.silent(30*time.Second - time.Millisecond) // the rest of T4
		n.grant()
		if id, _, _ := b.e.Home(); id != server2 {
			t.Fatalf("home is %s", id)
		}
	})
}

func TestTakeoverRepeatsWhatTheOldHomeHasNotAnswered(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		expect[*wire.Registration](h.next())
		n := b.come("registrar-2")
		n.send(keepAlive(true, server2))
		expect[*wire.EndpointKeepAliveAck](n)
		n.grant()
	})
}

func TestTakeoverEndsTheHunt(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		b.lose(1)
		time.Sleep(11 * time.Second)
		_ = n.assoc.Abort("killed")
		synctest.Wait()
		before := len(b.calls())
		taker := b.come("registrar-2")
		taker.send(keepAlive(true, server2))
		expect[*wire.EndpointKeepAliveAck](taker)
		taker.grant()
		time.Sleep(30 * time.Second)
		if got := len(b.calls()); got != before || b.home() == "" {
			t.Fatalf("%d calls after the takeover, home %q", got-before, b.home())
		}
	})
}

func TestSameServerOnAnotherAssociationIsNoChange(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		n.send(keepAlive(false, server2))
		expect[*wire.EndpointKeepAliveAck](n)
		other := b.come("registrar-2")
		other.send(keepAlive(true, server2))
		expect[*wire.EndpointKeepAliveAck](other)
		if got, want := b.home(), registrarAt(1).Addr.String(); got != want {
			t.Fatalf("home is %s, want %s: the home has that server ID (KA2.4)", got, want)
		}
	})
}

func TestElementWithoutTheDefencesFollowsAnybody(t *testing.T) {
	allow := poolelement.DefenceFunc(func(*poolelement.Query) error { return nil })
	cfg := config(1)
	d := poolelement.NewDefences()
	d.Sender, d.Home = allow, allow
	cfg.Defences = &d
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		b.registered(h)
		n := b.come("clear")
		n.send(keepAlive(true, rogueID))
		if got, want := b.home(), "198.51.100.66:7000"; got != want {
			t.Fatalf("home is %s, want %s", got, want)
		}
	})
}

// TestHomeThatWasRestartedIsKept: it comes to us while its former association has not been
// noticed to be dead. It holds the registrations, and nothing is registered anew.
func TestHomeThatWasRestartedIsKept(t *testing.T) {
	var h *host
	run(t, knownRegistrars(2), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		old := b.registered(h)
		n := b.come("registrar-1")
		n.send(keepAlive(true, server1))
		expect[*wire.EndpointKeepAliveAck](n)
		if got, want := b.home(), registrarAt(1).Addr.String(); got != want {
			t.Fatalf("home is %s, want %s: it is the same server (KA2.4)", got, want)
		}
		old.assoc.Abort("dead")
		if ev := b.event(poolelement.HomeChanged); ev.Server != server1 {
			t.Fatalf("event %+v", ev)
		}
		n.silent(time.Second)
		if _, registered, _ := b.e.Member([]byte(pool)); !registered {
			t.Error("not registered any more")
		}
	})
}

// TestElementHasOneHome: one that it acknowledges and that is not the home would keep it for its
// own for ever.
func TestElementHasOneHome(t *testing.T) {
	var h *host
	run(t, knownRegistrars(2), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		b.registered(h)
		n := b.come("registrar-1")
		n.send(keepAlive(true, server1))
		expect[*wire.EndpointKeepAliveAck](n)
		other := b.come("registrar-2")
		other.send(keepAlive(true, server2))
		expect[*wire.EndpointKeepAliveAck](other)
		if ev := b.event(poolelement.HomeChanged); ev.Server != server2 {
			t.Fatalf("event %+v", ev)
		}
		n.ended()
	})
}

// knownRegistrars is config with server IDs, and a key for the first registrar to come by.
func knownRegistrars(n int) poolelement.Config {
	cfg := config(n)
	cfg.Registrars[0].Server = server1
	cfg.RegistrarKeys = append(cfg.RegistrarKeys, poolelement.RegistrarKey{Name: "registrar-1", Key: []byte("registrar 1's key"), Server: server1})
	return cfg
}
