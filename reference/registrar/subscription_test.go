// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func subscribe(n *node, handle string) *wire.HandleResolutionResponse {
	n.t.Helper()
	n.send(&wire.HandleResolution{PoolHandle: []byte(handle), Subscribe: true})
	return want[*wire.HandleResolutionResponse](n)
}

func TestSubscriberIsToldWhenThePoolChanges(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		alice, bob, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob"), connect(t, r, wire.ASAP, unknownHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		if a := subscribe(user, pool); !a.UpdatesAccepted || len(a.Elements) != 1 {
			t.Fatalf("got %+v, want the A bit", a)
		}
		bob.ask(registration(pool, element(2, bobHost)))
		if a, ok := user.one().(*wire.HandleResolutionResponse); !ok || !a.UpdatesAccepted || len(a.Elements) != 2 {
			t.Fatalf("after a registration: got %+v", a)
		}
		time.Sleep(time.Second)
		bob.ask(registration(pool, element(2, bobHost)))
		user.none("after a re-registration that changes nothing")
		peer := introduce(t, r)
		peer.send(add(peerID, lasting(3)))
		if a, ok := user.one().(*wire.HandleResolutionResponse); !ok || len(a.Elements) != 3 {
			t.Fatalf("after a peer's update: got %+v", a)
		}
		time.Sleep(time.Second)
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: lasting(3)})
		if a, ok := user.one().(*wire.HandleResolutionResponse); !ok || len(a.Elements) != 2 {
			t.Fatalf("after a peer's removal: got %+v", a)
		}
		time.Sleep(time.Second)
		bob.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: 2})
		user.one()
		time.Sleep(time.Second)
		alice.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE})
		// RFC 5352 section 2.2.5: the subscription ends with the pool.
		if a, ok := user.one().(*wire.HandleResolutionResponse); !ok || a.UpdatesAccepted || len(a.Causes) != 1 || a.Causes[0].Code != wire.CauseUnknownPoolHandle {
			t.Fatalf("after the last deregistration: got %+v", a)
		}
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		time.Sleep(time.Second)
		user.none("the pool is another one")
	})
}

func TestWhoDoesNotSubscribeIsNotTold(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		alice, bob := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		if a := resolve(bob, pool); a.UpdatesAccepted {
			t.Fatalf("got %+v", a)
		}
		alice.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE})
		bob.none("without the S bit")
	})
}

func TestSubscriptionsAreLimited(t *testing.T) {
	in(t, func(c *registrar.Config) {
		quiet(c)
		c.Limits = registrar.DefaultLimits()
		c.Limits.MaxSubscriptions = 1
	}, func(t *testing.T, r *registrar.Registrar) {
		alice, carol, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "carol"), connect(t, r, wire.ASAP, unknownHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		carol.ask(registration(otherPool, element(2, bobHost)))
		if a := subscribe(user, pool); !a.UpdatesAccepted {
			t.Fatal("the first is refused")
		}
		if a := subscribe(user, pool); !a.UpdatesAccepted {
			t.Fatal("the same again is refused")
		}
		if a := subscribe(user, otherPool); a.UpdatesAccepted || len(a.Elements) != 1 {
			t.Fatalf("beyond the limit: got %+v, want the answer without the A bit", a)
		}
		if a := subscribe(user, "no such pool"); a.UpdatesAccepted || len(a.Causes) != 1 {
			t.Fatalf("without a pool: got %+v", a)
		}
	})
}

// TestUpdatesAreNoFlood: a pool that changes all the time makes five updates a second.
func TestUpdatesAreNoFlood(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		alice, bob, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob"), connect(t, r, wire.ASAP, unknownHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		subscribe(user, pool)
		for range 100 {
			bob.ask(registration(pool, element(2, bobHost)))
			time.Sleep(5 * time.Millisecond)
			bob.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: 2})
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Second)
		list := user.pending()
		if n := len(list); n < 4 || n > 7 {
			t.Fatalf("%d updates after a second of changes", n)
		}
		if a, ok := list[len(list)-1].(*wire.HandleResolutionResponse); !ok || len(a.Elements) != 1 {
			t.Fatalf("the last update is not how the pool is: %+v", a)
		}
	})
}
