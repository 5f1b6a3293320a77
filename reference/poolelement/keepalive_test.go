// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func keepAlive(home bool, server wire.ServerID) *wire.EndpointKeepAlive {
	return &wire.EndpointKeepAlive{NewHome: home, Server: server, PoolHandle: []byte(pool)}
}

func TestKeepAliveIsAnsweredForOurOwnPoolOnly(t *testing.T) {
	for _, row := range []struct {
		name   string
		m      *wire.EndpointKeepAlive
		answer bool
	}{
		{"our pool", keepAlive(false, server1), true},
		{"another pool", &wire.EndpointKeepAlive{Server: server1, PoolHandle: []byte(otherPool)}, false}, // KA1
		{"our PE identifier", &wire.EndpointKeepAlive{Server: server1, PoolHandle: []byte(pool), PEID: peID, HasPEID: true}, true},
		{"another PE identifier", &wire.EndpointKeepAlive{Server: server1, PoolHandle: []byte(pool), PEID: peID + 1, HasPEID: true}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(1)
			cfg.Wire.KeepAlivePEID = true
			var h *host
			run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				n := b.registered(h)
				n.send(row.m)
				if !row.answer {
					n.silent(time.Minute / 2)
					return
				}
				if ack := expect[*wire.EndpointKeepAliveAck](n); string(ack.PoolHandle) != pool || ack.PEID != peID { // KA2.1, KA2.2
					t.Fatalf("got %+v", ack)
				}
			})
		})
	}
}

func TestKeepAliveIsNotAnsweredBeforeARegistration(t *testing.T) {
	run(t, config(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		n := b.come("registrar-9")
		n.send(keepAlive(true, rogueID))
		n.silent(time.Second)
		if b.home() != "" {
			t.Fatal("was taken over without having been registered")
		}
	})
}

func TestKeepAliveIsNotAnsweredWhileLeaving(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		leave(b)
		expect[*wire.Deregistration](n)
		n.send(keepAlive(false, server1))
		n.silent(time.Second)
	})
}

// acks counts acknowledgements until the association ends.
func acks(n *node) <-chan int {
	count := make(chan int, 1)
	go func() {
		sum := 0
		for m := n.next(); m != nil; m = n.next() {
			if _, ok := m.(*wire.EndpointKeepAliveAck); ok {
				sum++
			}
		}
		count <- sum
	}()
	return count
}

// TestKeepAliveFloodIsNotAnsweredOneByOne: the defence of draft section 2.14, and what
// happens without it.
func TestKeepAliveFloodIsNotAnsweredOneByOne(t *testing.T) {
	for _, row := range []struct {
		name        string
		limiter     poolelement.Limiter
		least, most int
		events      int
	}{
		{"with the defence", poolelement.DefaultKeepAliveRate(), 29, 31, 1}, // 10 at once, then 2 a second for 10 s
		{"without", poolelement.KeepAliveRate{PerSecond: 1e9, Burst: 1e9}, 1000, 1000, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(1)
			cfg.Pools[0].Life = wire.LifeInfinite
			d := poolelement.NewDefences()
			d.KeepAlive = row.limiter
			cfg.Defences = &d
			var h *host
			run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				n := b.registered(h)
				count := acks(n)
				for range 1000 {
					n.send(keepAlive(false, server1))
					time.Sleep(10 * time.Millisecond)
				}
				other := b.come("registrar-9") // is not silenced by the flood of the first
				other.send(keepAlive(false, rogueID))
				begun := time.Now()
				expect[*wire.EndpointKeepAliveAck](other)
				if late := time.Since(begun); late != 0 {
					t.Errorf("another registrar was answered %s late", late)
				}
				time.Sleep(time.Minute)
				floods := 0
				for range len(b.e.Events()) {
					if ev := <-b.e.Events(); ev.Kind == poolelement.KeepAliveFlood {
						floods++
					}
				}
				if floods != row.events {
					t.Errorf("%d events, want %d", floods, row.events)
				}
				s := b.e.Stats()
				if s.KeepAlives != 1001 || (row.most < 1000) != (s.Coalesced > 900) {
					t.Errorf("stats %+v", s)
				}
				_ = n.assoc.Abort("end")
				if got := <-count; got < row.least || got > row.most {
					t.Errorf("%d acknowledgements, want %d to %d", got, row.least, row.most)
				}
			})
		})
	}
}

func TestLastKeepAliveOfAFloodIsAnsweredInTime(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		for range 50 {
			n.send(keepAlive(false, server1))
		}
		for range 11 { // the burst, and one for all others
			expect[*wire.EndpointKeepAliveAck](n)
		}
		if late := time.Since(epoch); late > time.Second {
			t.Fatalf("answered after %s: a registrar would take us for dead", late)
		}
		b.event(poolelement.KeepAliveFlood)
		b.none(poolelement.KeepAliveFlood)
		n.silent(5 * time.Second)
	})
}

func TestTooManyAssociationsAreRefused(t *testing.T) {
	cfg := config(1)
	cfg.Limits.Inbound = 2
	run(t, cfg, func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		first, second, third := b.come("registrar-9"), b.come("registrar-9"), b.come("registrar-9")
		third.ended()
		for _, n := range []*node{first, second} {
			if n.assoc.Err() != nil {
				t.Error("an earlier association was ended")
			}
		}
	})
}

func TestForeignPayloadIsNotTakenForASAP(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		payload, err := wire.Encode(keepAlive(false, server1))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.assoc.Send(t.Context(), association.Message{Payload: payload, PPID: 12}); err != nil {
			t.Fatal(err)
		}
		n.silent(time.Second)
	})
}
