// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// leave begins a deregistration and returns where its result comes.
func leave(b *bed) <-chan error {
	result := make(chan error, 1)
	go func() { result <- b.e.Deregister(b.t.Context(), []byte(pool)) }()
	synctest.Wait()
	return result
}

func TestDeregistrationIsConfirmed(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		result := leave(b)
		if m := expect[*wire.Deregistration](n); string(m.PoolHandle) != pool || m.PEID != peID {
			t.Fatalf("got %+v", m)
		}
		n.send(&wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID})
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		n.silent(time.Hour) // no T4 any more
		if err := b.e.Deregister(t.Context(), []byte(pool)); !errors.Is(err, poolelement.ErrUnknownPool) {
			t.Fatalf("twice: %v", err)
		}
	})
}

func TestRefusedDeregistrationIsReported(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		result := leave(b)
		expect[*wire.Deregistration](n)
		n.send(&wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID, Causes: []wire.Cause{{Code: wire.CauseSecurity}}})
		if err := <-result; !errors.Is(err, poolelement.ErrDeregistrationRefused) {
			t.Fatal(err)
		}
		if ev := b.event(poolelement.DeregistrationFailed); len(ev.Causes) != 1 || ev.Causes[0].Code != wire.CauseSecurity {
			t.Fatalf("event %+v", ev)
		}
	})
}

func TestUnansweredDeregistrationGoesToAnotherRegistrarAndIsGivenUp(t *testing.T) {
	var first, second *host
	run(t, config(2), func(b *bed) { first = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(first)
		second = b.up(2)
		result := leave(b)
		expect[*wire.Deregistration](n)
		n.silent(30*time.Second - time.Millisecond) // T3
		other := second.next()
		expect[*wire.Deregistration](other)
		other.silent(30*time.Second - time.Millisecond)
		if err := <-result; !errors.Is(err, poolelement.ErrNoAnswer) {
			t.Fatal(err)
		}
	})
}

func TestDeregisterWaitsNoLongerThanItsContext(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		b.registered(h)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.e.Deregister(ctx, []byte(pool)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

func TestCloseLeavesAllPools(t *testing.T) {
	cfg := config(1)
	cfg.Pools = append(cfg.Pools, poolelement.Pool{Handle: []byte(otherPool)})
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		n.grant()
		n.grant()
		closed := make(chan error, 1)
		go func() { closed <- b.e.Close(t.Context()) }()
		for range 2 {
			m := expect[*wire.Deregistration](n)
			n.send(&wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID})
		}
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		if m := n.next(); m != nil || time.Since(epoch) != 0 {
			t.Fatalf("got %+v after %s, want the graceful end at once", m, time.Since(epoch))
		}
		if err := b.e.Register(cfg.Pools[0]); err == nil {
			t.Fatal("joined a pool after Close")
		}
		for range b.e.Events() { // is closed
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	for _, row := range []struct {
		name       string
		registered bool
		want       time.Duration
	}{
		{"with a registrar that does not answer", true, 5 * time.Second}, // Timers.Stop
		{"without ever having registered", false, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h *host
			run(t, config(1), func(b *bed) {
				if row.registered {
					h = b.up(1)
				} else {
					b.lose(1)
				}
			}, func(t *testing.T, b *bed) {
				if row.registered {
					b.registered(h)
				}
				begun := time.Now()
				err := b.e.Close(t.Context())
				if got := time.Since(begun); got != row.want || (err != nil) != row.registered {
					t.Fatalf("closed after %s with %v, want after %s", got, err, row.want)
				}
			})
		})
	}
}

func TestLeavingIsNotUndoneByRegister(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		b.registered(h)
		leave(b)
		if err := b.e.Register(config(1).Pools[0]); !errors.Is(err, poolelement.ErrPool) {
			t.Fatal(err)
		}
	})
}

func TestAnotherRegistrarCannotEndAMembership(t *testing.T) {
	cfg := config(2)
	cfg.Limits.Standby = 1
	gone := &wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID}
	var hosts [2]*host
	run(t, cfg, func(b *bed) { hosts = [2]*host{b.up(1), b.up(2)} }, func(t *testing.T, b *bed) {
		home, standby := hosts[0].next(), hosts[1].next()
		if b.home() == registrarAt(2).Addr.String() {
			home, standby = standby, home
		}
		home.grant()
		standby.send(gone)
		b.none(poolelement.Expired)
		result := leave(b)
		standby.send(gone)
		synctest.Wait()
		select {
		case err := <-result:
			t.Fatalf("gone by the word of another registrar: %v", err)
		default:
		}
		expect[*wire.Deregistration](home)
		home.send(gone)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	})
}

func TestNobodyIsLetInWhileStopping(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		b.registered(h)
		go func() { _ = b.e.Close(t.Context()) }() // the registrar does not answer
		synctest.Wait()
		b.come("registrar-2").ended()
	})
}
