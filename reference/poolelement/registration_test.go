// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestRegistrationSaysWhatThePoolSays(t *testing.T) {
	other := netip.MustParseAddr("192.0.2.7")
	for _, row := range []struct {
		name string
		user wire.Transport
		want wire.Transport
	}{
		{ // RFC 5352 section 6.1: the SCTP endpoint used with the registrar is the default
			"of the association",
			wire.Transport{},
			wire.Transport{Kind: wire.TransportSCTP, Port: 5000, Addrs: []netip.Addr{elementHost}},
		},
		{
			"at the address of the association",
			wire.Transport{Kind: wire.TransportTCP, Port: 7},
			wire.Transport{Kind: wire.TransportTCP, Port: 7, Addrs: []netip.Addr{elementHost}},
		},
		{
			"as it is",
			wire.Transport{Kind: wire.TransportSCTP, Port: 7, Use: wire.DataAndControl, Addrs: []netip.Addr{other}},
			wire.Transport{Kind: wire.TransportSCTP, Port: 7, Use: wire.DataAndControl, Addrs: []netip.Addr{other}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := config(1)
			cfg.Pools[0].User = row.user
			cfg.Pools[0].Policy = wire.Policy{Type: wire.WeightedRoundRobin, Weight: 3}
			var h *host
			run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				r := expect[*wire.Registration](h.next())
				got := r.Element
				if string(r.PoolHandle) != pool || got.ID != peID || got.Life != 60 || got.Home != 0 || got.HasASAP ||
					got.Policy.Type != wire.WeightedRoundRobin || got.Policy.Weight != 3 {
					t.Errorf("got %+v", r)
				}
				if u := got.User; u.Kind != row.want.Kind || u.Port != row.want.Port || u.Use != row.want.Use || !slices.Equal(u.Addrs, row.want.Addrs) {
					t.Errorf("user transport %+v, want %+v", u, row.want)
				}
			})
		})
	}
}

func TestRegistrationIsRenewedBeforeItsLifeEnds(t *testing.T) {
	for _, row := range []struct {
		life int32
		want time.Duration // RFC 5352 section 7.1: T4 is min(10 min, life - 20 s)
	}{
		{60, 40 * time.Second},
		{300, 280 * time.Second},
		{620, 10 * time.Minute},
		{86400, 10 * time.Minute},
		{wire.LifeInfinite, 10 * time.Minute},
		{20, 10 * time.Second}, // not longer than the margin: half
	} {
		t.Run((time.Duration(row.life) * time.Second).String(), func(t *testing.T) {
			cfg := config(1)
			cfg.Pools[0].Life = row.life
			var h *host
			run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				n := b.registered(h)
				for range 3 {
					n.silent(row.want - time.Millisecond)
					time.Sleep(time.Millisecond)
					before := time.Now()
					if r := n.grant(); r.Element.ID != peID || !time.Now().Equal(before) {
						t.Fatalf("re-registration %+v, %s late", r, time.Since(before))
					}
				}
			})
		})
	}
}

func TestUnansweredRegistrationGoesToAnotherRegistrar(t *testing.T) {
	var mute, live *host
	run(t, config(2), func(b *bed) { mute = b.up(1); b.lose(2) }, func(t *testing.T, b *bed) {
		n := mute.next()
		expect[*wire.Registration](n)
		synctest.Wait() // for the call to the second one, which is lost
		live = b.up(2)
		n.silent(30*time.Second - time.Millisecond)
		select {
		case <-n.assoc.Done():
			t.Fatal("gave up before T2")
		default:
		}
		time.Sleep(time.Millisecond)
		n.ended()
		b.registered(live)
	})
}

func TestRegistrationIsGivenUpAfterMaxRegAttempt(t *testing.T) {
	for _, retry := range []time.Duration{0, 10 * time.Minute} {
		t.Run("retry "+retry.String(), func(t *testing.T) {
			cfg := config(3)
			cfg.Timers.Retry = retry
			var hosts []*host
			registrations := make(chan *node, 16)
			run(t, cfg, func(b *bed) {
				for n := range 3 {
					hosts = append(hosts, b.up(n+1))
				}
				for _, h := range hosts {
					go func() {
						for n := range h.accept {
							go func() {
								for m := n.next(); m != nil; m = n.next() {
									if _, ok := m.(*wire.Registration); ok {
										registrations <- n
									}
								}
							}()
						}
					}()
				}
			}, func(t *testing.T, b *bed) {
				ev := b.event(poolelement.RegistrationFailed)
				if !errors.Is(ev.Err, poolelement.ErrNoAnswer) || ev.PEID != peID || string(ev.Pool) != pool {
					t.Errorf("event %+v", ev)
				}
				if got := time.Since(epoch); got != time.Minute { // two times T2
					t.Errorf("given up after %s, want 1m", got)
				}
				time.Sleep(9 * time.Minute)
				if got := len(registrations); got != 2 { // MAX-REG-ATTEMPT
					t.Errorf("%d attempts, want 2", got)
				}
				time.Sleep(61 * time.Second)
				synctest.Wait()
				if got, want := len(registrations) > 2, retry > 0; got != want {
					t.Errorf("tried again: %v, want %v", got, want)
				}
				// The user may try again with the same registration: nothing was wrong with it.
				before := len(registrations)
				if err := b.e.Register(config(1).Pools[0]); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if retry == 0 && len(registrations) != before+1 {
					t.Error("Register did not try again")
				}
				for _, h := range hosts {
					close(h.accept)
				}
				for n := range 3 {
					b.down(n + 1)
				}
			})
		})
	}
}

func TestRegisterChangesTheRegistration(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		expect[*wire.Registration](n)
		p := config(1).Pools[0]
		p.ID, p.Policy = 0, wire.Policy{Type: wire.LeastUsed, Load: 1}
		if err := b.e.Register(p); err != nil { // while the answer is out
			t.Fatal(err)
		}
		n.silent(time.Second)
		n.send(&wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID})
		if r := n.grant(); r.Element.Policy.Type != wire.LeastUsed || r.Element.Policy.Load != 1 || r.Element.ID != peID {
			t.Fatalf("got %+v", r)
		}
		if late := time.Since(epoch); late != time.Second {
			t.Fatalf("the change came after %s, want as soon as the answer did", late)
		}
		p.Policy.Load = 2
		if err := b.e.Register(p); err != nil { // while registered
			t.Fatal(err)
		}
		if r := n.grant(); r.Element.Policy.Load != 2 {
			t.Fatalf("got %+v", r)
		}
		p.ID = peID + 1
		if err := b.e.Register(p); !errors.Is(err, poolelement.ErrPool) {
			t.Fatalf("another PE identifier: %v", err)
		}
	})
}

func TestSeveralPoolsShareOneAssociation(t *testing.T) {
	cfg := config(1)
	cfg.Pools = append(cfg.Pools, poolelement.Pool{Handle: []byte(otherPool), ID: peID + 1})
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		handles := []string{string(n.grant().PoolHandle), string(n.grant().PoolHandle)}
		if !slices.Equal(handles, []string{pool, otherPool}) || len(b.calls()) != 1 {
			t.Fatalf("registered in %v with %d associations", handles, len(b.calls()))
		}
	})
}

// TestAnswersThatWereNotAskedForAreIgnored: the element does not believe that it is
// registered, rejected or gone.
func TestAnswersThatWereNotAskedForAreIgnored(t *testing.T) {
	cfg := config(2)
	cfg.Limits.Standby = 1
	for _, row := range []struct {
		name    string
		standby bool // sent by a registrar that was not asked
		m       wire.Message
	}{
		{"another element's", false, &wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID + 1}},
		{"another pool's", false, &wire.RegistrationResponse{PoolHandle: []byte(otherPool), PEID: peID}},
		{"another registrar's", true, &wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID}},
		{"another registrar's rejection", true, &wire.RegistrationResponse{Reject: true, PoolHandle: []byte(pool), PEID: peID}},
		{"a deregistration's", false, &wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var hosts [2]*host
			run(t, cfg, func(b *bed) { hosts = [2]*host{b.up(1), b.up(2)} }, func(t *testing.T, b *bed) {
				home, standby := hosts[0].next(), hosts[1].next()
				if b.home() == registrarAt(2).Addr.String() {
					home, standby = standby, home
				}
				expect[*wire.Registration](home)
				if row.standby {
					standby.send(row.m)
				} else {
					home.send(row.m)
				}
				synctest.Wait()
				if _, registered, ok := b.e.Member([]byte(pool)); registered || !ok || b.e.Stats().Ignored != 1 {
					t.Fatalf("registered %v, member %v, %d ignored", registered, ok, b.e.Stats().Ignored)
				}
				home.send(&wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID})
				b.event(poolelement.Registered)
				home.send(&wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID}) // a second time
				b.none(poolelement.Registered)
			})
		})
	}
}

func TestExpiredRegistrationIsRenewedAfterAPause(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		for range 3 {
			n.send(&wire.DeregistrationResponse{PoolHandle: []byte(pool), PEID: peID}) // RFC 5352 section 3.2
			b.event(poolelement.Expired)
			n.silent(time.Second - time.Millisecond)
			n.grant()
		}
	})
}

func TestWarningInAGrantIsReported(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		expect[*wire.Registration](n)
		n.send(&wire.RegistrationResponse{PoolHandle: []byte(pool), PEID: peID, Causes: []wire.Cause{{Code: wire.CauseUnspecified}}})
		if ev := b.event(poolelement.Registered); len(ev.Causes) != 1 {
			t.Fatalf("event %+v", ev)
		}
	})
}

func TestRegistrarThatDoesNotReadLosesItsAssociation(t *testing.T) {
	cfg := config(1)
	cfg.Limits.SendQueue = 1
	var h *host
	run(t, cfg, func(b *bed) {
		h = b.up(1)
	}, func(t *testing.T, b *bed) {
		n := b.registered(h)
		n.assoc.Jam() // nothing more fits on the way to the registrar
		payload, err := wire.Encode(keepAlive(false, server1))
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until the association is aborted
			err = n.assoc.Send(t.Context(), association.Message{Payload: payload, PPID: 11})
		}
		n.ended()
		b.event(poolelement.HomeLost)
	})
}
