// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestAtMostThreeAssociationsAreSetUpAtOnce(t *testing.T) {
	run(t, config(7), func(b *bed) {
		for n := range 7 {
			b.lose(n + 1)
		}
	}, func(t *testing.T, b *bed) {
		first := b.calls()
		if len(first) != 3 {
			t.Fatalf("%d associations at once, want 3 (SH1)", len(first))
		}
		time.Sleep(10*time.Second - time.Millisecond)
		if n := len(b.calls()); n != 3 {
			t.Fatalf("%d calls before T5 ends, want 3", n)
		}
		time.Sleep(time.Millisecond)
		second := b.calls()[3:]
		if len(second) != 3 || b.openMax != 3 {
			t.Fatalf("%d calls in the second set, at most %d at once", len(second), b.openMax)
		}
		for _, d := range second { // SH5.3: a different set
			if slices.ContainsFunc(first, func(f dial) bool { return f.addr == d.addr }) {
				t.Errorf("%s was tried in both sets, although there are others", d.addr)
			}
		}
	})
}

func TestHuntTimerDoublesUpToRetranMax(t *testing.T) {
	run(t, config(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		time.Sleep(260 * time.Second)
		// T5 is 10 s, doubled by each set up to 60 s (RFC 5352 section 3.6, SH5.1).
		if got, want := times(b.calls()), seconds(0, 10, 30, 70, 130, 190, 250); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
	})
}

func TestFailedCallMakesRoomForTheNextCandidate(t *testing.T) {
	var live *host
	run(t, config(6), func(b *bed) { live = b.up(6) }, func(t *testing.T, b *bed) {
		b.registered(live)
		if at := b.calls()[len(b.calls())-1].at; at != 0 {
			t.Fatalf("the only live registrar was called after %s, want at once (SH4)", at)
		}
	})
}

func TestRefusedCallsAreNotRepeatedBeforeT5(t *testing.T) {
	run(t, config(2), func(*bed) {}, func(t *testing.T, b *bed) {
		time.Sleep(29 * time.Second)
		if got, want := times(b.calls()), seconds(0, 0, 10, 10); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
	})
}

// TestNothingIsSentToWhoIsNoRegistrar: each row has set up an association, and still gets
// not a single octet of ASAP; the registration goes to the other registrar.
func TestNothingIsSentToWhoIsNoRegistrar(t *testing.T) {
	for _, row := range []struct {
		name     string
		identity func(*association.Info)
	}{
		{"in clear, whatever it says it is", func(i *association.Info) { i.Secured = false }},
		{"in clear", func(i *association.Info) { i.Secured, i.Identity = false, tlspsk.Identity{} }},
		{"over TLS, anonymous", func(i *association.Info) { i.Identity = tlspsk.Identity{} }},
		{"by a certificate", func(i *association.Info) { i.Identity = tlspsk.Identity{Kind: tlspsk.Certificate, Name: "alice"} }},
		{"by another identity's key", func(i *association.Info) { i.Identity.Name = "bob" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var rogue, real *host
			run(t, config(2), func(b *bed) { rogue, real = b.upAs(1, row.identity), b.up(2) }, func(t *testing.T, b *bed) {
				n := rogue.next()
				if ev := b.event(poolelement.RegistrarRefused); !errors.Is(ev.Err, poolelement.ErrRefused) || ev.Remote != registrarAt(1).Addr {
					t.Errorf("event %+v", ev)
				}
				n.ended()
				if m := n.next(); m != nil {
					t.Errorf("the rogue got %+v", m)
				}
				b.registered(real)
				if got := b.e.Stats().RegistrarsRefused; got != 1 {
					t.Errorf("%d refused, want 1", got)
				}
			})
		})
	}
}

func TestElementWithoutTheDefenceRegistersWithARogue(t *testing.T) {
	cfg := config(1)
	d := poolelement.NewDefences()
	d.Registrar = poolelement.AuthenticationFunc(func(*poolelement.Origin) error { return nil })
	cfg.Defences = &d
	var rogue *host
	run(t, cfg, func(b *bed) {
		rogue = b.upAs(1, func(i *association.Info) { i.Identity = tlspsk.Identity{} })
	}, func(t *testing.T, b *bed) { b.registered(rogue) })
}

func TestInsecureElementUsesAClearRegistrar(t *testing.T) {
	cfg := config(1)
	cfg.Mode, cfg.Identity, cfg.Key, cfg.RegistrarKeys = poolelement.Insecure, "", nil, nil
	var h *host
	run(t, cfg, func(b *bed) {
		h = b.upAs(1, func(i *association.Info) { i.Secured, i.Identity = false, tlspsk.Identity{} })
	}, func(t *testing.T, b *bed) { b.registered(h) })
}

func TestLostHomeIsReplacedByAnotherWithTheSamePEIdentifier(t *testing.T) {
	var first, second *host
	run(t, config(2), func(b *bed) { first = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(first)
		second = b.up(2)
		b.down(1)
		time.Sleep(time.Minute / 2)
		_ = n.assoc.Abort("killed")
		if r := second.next().grant(); r.Element.ID != peID {
			t.Fatalf("re-registered as %s, want %s", r.Element.ID, peID)
		}
		if ev := b.event(poolelement.HomeFound); ev.Remote != registrarAt(2).Addr {
			t.Fatalf("home %s", ev.Remote)
		}
	})
}

func TestOnlyRegistrarIsCalledAgainAtOnceAfterItsRestart(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		time.Sleep(20 * time.Second) // longer than T5
		_ = n.assoc.Abort("reset by an attacker")
		synctest.Wait()
		if calls := b.calls(); len(calls) != 2 || calls[1].at != 20*time.Second {
			t.Fatalf("calls %v, want the second at once", calls)
		}
		b.registered(h)
	})
}

// TestRegistrarThatDropsAssociationsIsNotCalledWithoutPause: whoever accepts and drops must
// not make the element call as fast as it can.
func TestRegistrarThatDropsAssociationsIsNotCalledWithoutPause(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer bool
		want   []time.Duration
	}{
		{"before it has answered", false, seconds(0, 10)}, // two unanswered registrations are MAX-REG-ATTEMPT
		{"after it has answered", true, seconds(0, 10, 20, 30, 40, 50, 60)},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h *host
			run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				go func() {
					for n := range h.accept {
						if row.answer {
							n.grant()
						}
						_ = n.assoc.Abort("dropped")
					}
				}()
				time.Sleep(69 * time.Second)
				if got := times(b.calls()); !slices.Equal(got, row.want) {
					t.Fatalf("calls at %v, want %v", got, row.want)
				}
				close(h.accept)
				b.down(1)
			})
		})
	}
}

func TestFasterRegistrarIsHomeAndTheOthersAreClosed(t *testing.T) {
	var hosts [3]*host
	run(t, config(3), func(b *bed) {
		for i := range hosts {
			hosts[i] = b.up(i + 1)
		}
	}, func(t *testing.T, b *bed) {
		synctest.Wait()
		registrations := 0
		for _, h := range hosts {
			n := h.next()
			synctest.Wait()
			select {
			case m := <-n.assoc.Incoming():
				registrations++
				if m.Payload[0] != wire.TypeRegistration {
					t.Errorf("got % x", m.Payload)
				}
			default:
				n.ended()
			}
		}
		if registrations != 1 || b.openMax > 3 {
			t.Fatalf("%d registrars got a registration, %d associations at once", registrations, b.openMax)
		}
	})
}

func TestStandbyTakesOverWithoutAHunt(t *testing.T) {
	cfg := config(2)
	cfg.Limits.Standby = 1
	var hosts [2]*host
	run(t, cfg, func(b *bed) { hosts = [2]*host{b.up(1), b.up(2)} }, func(t *testing.T, b *bed) {
		home, standby := hosts[0].next(), hosts[1].next()
		if b.home() == registrarAt(2).Addr.String() {
			home, standby = standby, home
		}
		home.grant()
		standby.silent(time.Second)
		_ = home.assoc.Abort("killed")
		standby.grant()
		if n := len(b.calls()); n != 2 {
			t.Fatalf("%d calls, want the 2 of the start", n)
		}
	})
}

func TestElementWithNothingToSayDoesNotHunt(t *testing.T) {
	cfg := config(1)
	cfg.Pools = nil
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		time.Sleep(time.Hour)
		if n := len(b.calls()); n != 0 {
			t.Fatalf("%d calls without a pool", n)
		}
		if err := b.e.Register(poolelement.Pool{Handle: []byte(pool)}); err != nil {
			t.Fatal(err)
		}
		if r := h.next().grant(); r.Element.ID == 0 {
			t.Fatal("the PE identifier is 0, want a random one (R2.2)")
		}
	})
}

func TestHuntTimerStopsWithAHome(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		expect[*wire.Registration](n)
		n.silent(25 * time.Second)
		_ = n.assoc.Abort("gone without an answer")
		time.Sleep(14 * time.Second)
		// The new set began at 25 s without the registrar that has failed, and lasts 10 s.
		if got, want := times(b.calls()), seconds(0, 35); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
	})
}

func TestHuntTimerIsResetByARegistrarThatAnswers(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		time.Sleep(100 * time.Second)
		h = b.up(1)
		n := b.registered(h) // at 130 s, T5 is 60 s
		time.Sleep(2 * time.Second)
		b.lose(1)
		_ = n.assoc.Abort("gone")
		time.Sleep(30 * time.Second)
		if got, want := times(b.calls())[4:], seconds(130, 140, 160); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
	})
}
