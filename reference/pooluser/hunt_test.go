// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestHuntTriesThreeRegistrarsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		addrs := []string{addr1, addr2, addr3, addr4, addr5}
		var hosts []*host
		for _, a := range addrs {
			h := n.add(a, a)
			h.silent()
			hosts = append(hosts, h)
		}
		dialled := func() (total int) {
			for _, h := range hosts {
				total += h.count()
			}
			return total
		}
		u := n.start(nil, addrs...)
		go u.Resolve(within(t, 35*time.Second), pool)
		synctest.Wait()
		if got := dialled(); got != 3 {
			t.Errorf("%d registrars dialled at first, want 3 (SH1)", got)
		}
		time.Sleep(10*time.Second + time.Millisecond) // T5
		synctest.Wait()
		if got := dialled(); got != 6 {
			t.Errorf("%d dials after T5, want 6 (SH5)", got)
		}
		for _, h := range hosts {
			if h.count() == 0 {
				t.Errorf("%s was not tried after T5, another was tried twice (SH5: a different set)", h.name)
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := dialled(); got != 6 {
			t.Errorf("%d dials 20 s after the start, want 6: T5 is doubled (SH5.1)", got)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := dialled(); got != 9 {
			t.Errorf("%d dials 30 s after the start, want 9", got)
		}
	})
}

func TestT5IsDoubledUpToItsCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		h := n.add("silent", addr1)
		var at []time.Duration
		start := time.Now()
		h.answer(func(ctx context.Context, _ pooluser.Target) error {
			at = append(at, time.Since(start))
			<-ctx.Done()
			return ctx.Err()
		})
		u := n.start(nil, addr1)
		_, err := u.Resolve(within(t, 260*time.Second), pool)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		synctest.Wait()
		s := time.Second
		want := []time.Duration{0, 10 * s, 30 * s, 70 * s, 130 * s, 190 * s, 250 * s} // 10, 20, 40, 60, 60 ...
		if !slices.Equal(at, want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
	})
}

func TestFailedSetUpIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		for _, a := range []string{addr1, addr2, addr3, addr4} {
			n.add(a, a).refuse(errors.New("refused"))
		}
		n.registrar("good", addr5, listed(peA))
		start := time.Now()
		r, err := n.start(nil, addr1, addr2, addr3, addr4, addr5).Resolve(within(t, time.Minute), pool)
		if err != nil || len(r.Elements) != 1 {
			t.Fatalf("%v, %v", r, err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v: SH4 does not wait for T5", took)
		}
	})
}

func TestOnlyOneAssociationIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		hosts := []*host{n.add("1", addr1), n.add("2", addr2), n.add("3", addr3)}
		u := n.start(nil, addr1, addr2, addr3)
		go u.Resolve(within(t, time.Second), pool)
		synctest.Wait()
		open := 0
		for _, h := range hosts {
			select {
			case m := <-h.accepted:
				if m.Err() == nil {
					open++
				} else if !errors.Is(m.Err(), association.ErrAborted) && m.Err().Error() != "EOF" {
					t.Errorf("%s: %v, want an end", h.name, m.Err())
				} else if got := (&node{m, h}).pending(); len(got) != 0 {
					t.Errorf("%s got %d messages and is not the home registrar", h.name, len(got))
				}
			default:
			}
		}
		if open != 1 {
			t.Errorf("%d associations are open, want 1 (SH6)", open)
		}
	})
}

// Draft section 2.7 and section 3: "If the authentication fails, it looks for another ENRP server."
func TestUnauthenticatedRegistrarIsNeverAsked(t *testing.T) {
	for _, tc := range []struct {
		name string
		info association.Info
	}{
		{"in clear", association.Info{}},
		{"in clear, whatever it says", association.Info{Identity: verified.Identity}},
		{"anonymous", association.Info{Secured: true, TLS: tlspsk.State{Version: "TLS 1.3"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				rogue := n.add("rogue", addr1)
				rogue.info = tc.info
				good := n.registrar("good", addr2, listed(peA))
				good.silent()
				u := n.start(nil, addr1, addr2)
				ctx, cancel := context.WithCancel(within(t, time.Hour))
				defer cancel()
				resolved := make(chan pooluser.Resolution, 1)
				go func() {
					if r, err := u.Resolve(ctx, pool); err == nil {
						resolved <- r
					} else {
						t.Error(err)
					}
				}()
				far := rogue.accept()
				// The rogue answers although nobody asks.
				far.send(&wire.HandleResolutionResponse{PoolHandle: []byte(pool), Elements: []wire.PoolElement{element(peC, wire.Policy{Type: wire.RoundRobin})}})
				synctest.Wait()
				if got := far.pending(); len(got) != 0 {
					t.Errorf("the rogue was sent %x", got)
				}
				if far.Err() == nil {
					t.Error("the association with the rogue is still open")
				}
				good.answer(nil)
				if r := <-resolved; r.Server != server(addr2) || !slices.Equal(elementsOf(r), []wire.PEID{peA}) {
					t.Errorf("resolved by %s: %v", r.Server, elementsOf(r))
				}
			})
		})
	}
}

// The defence is what keeps the rogue out: without it the test above fails.
func TestWithoutAuthenticationTheRogueIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		rogue := n.registrar("rogue", addr1, listed(peC))
		rogue.info = association.Info{}
		u := n.start(defences(func(d *pooluser.Defences) { d.Authentication = nobodyAsks{} }), addr1)
		r, err := u.Resolve(within(t, time.Second), pool)
		if err != nil || !slices.Equal(elementsOf(r), []wire.PEID{peC}) {
			t.Errorf("%v, %v: want the rogue's answer", elementsOf(r), err)
		}
		if rogue.target().TLS != nil {
			t.Error("dialled under TLS")
		}
	})
}

type nobodyAsks struct{}

func (nobodyAsks) Required(pooluser.Server, pooluser.Mode) bool { return false }

func (nobodyAsks) Admit(pooluser.Server, pooluser.Mode, association.Info) error { return nil }

func TestErrorNamesTheLastRegistrarAndItsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.add("anonymous", addr1).info = association.Info{Secured: true}
		_, err := n.start(nil, addr1).Resolve(within(t, 5*time.Second), pool)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, pooluser.ErrUnauthenticated) {
			t.Errorf("got %v, want the deadline and ErrUnauthenticated", err)
		}
	})
}

func TestLostHomeIsReplacedForTheNextRequest(t *testing.T) {
	for _, end := range []string{"graceful", "abort"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				first := n.add("first", addr1)
				n.registrar("second", addr2, listed(peA)).silent()
				u := n.start(nil, addr1, addr2)
				go func() {
					if _, err := u.Resolve(within(t, time.Hour), pool); err != nil {
						t.Error(err)
					}
				}()
				far := first.accept()
				far.next()
				n.hosts[server(addr2).Addr].answer(nil)
				if end == "abort" {
					far.Abort("")
				} else {
					far.Close(t.Context())
				}
				synctest.Wait()
				if home, ok := u.Home(); !ok || home != server(addr2) {
					t.Errorf("home %v %v, want the second registrar", home, ok)
				}
			})
		})
	}
}
