// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

var report = &wire.EndpointUnreachable{PoolHandle: []byte(pool), PEID: alicePE}

func TestReportedElementThatAnswersStays(t *testing.T) {
	in(t, func(c *registrar.Config) {
		c.Timers = registrar.DefaultTimers()
		c.Timers.KeepAlive = time.Hour // only the reports cause keep-alives
	}, func(t *testing.T, r *registrar.Registrar) {
		alice, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "")
		pe := element(alicePE, aliceHost)
		pe.Life = -1
		alice.ask(registration(pool, pe))
		for range 10 {
			user.send(report)
			if m, ok := alice.next().(*wire.EndpointKeepAlive); !ok || m.NewHome {
				t.Fatalf("got %+v, want a keep-alive with H=0 (RFC 5352 section 3.5)", m)
			}
			alice.send(&wire.EndpointKeepAliveAck{PoolHandle: []byte(pool), PEID: alicePE})
			time.Sleep(10 * time.Second)
		}
		if len(resolve(user, pool).Elements) != 1 {
			t.Fatal("a live element was removed on reports")
		}
	})
}

func TestReportedElementThatIsSilentIsRemoved(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		user.send(report)
		time.Sleep(registrar.DefaultTimers().KeepAliveTimeout - time.Millisecond)
		if len(resolve(user, pool).Elements) != 1 {
			t.Fatal("removed before the time-out")
		}
		time.Sleep(2 * time.Millisecond)
		if len(resolve(user, pool).Elements) != 0 {
			t.Fatal("still there after the time-out")
		}
		// It may live after all, and registers again when it hears of it.
		want[*wire.EndpointKeepAlive](alice)
		if m := want[*wire.DeregistrationResponse](alice); m.PEID != alicePE || len(m.Causes) != 0 {
			t.Errorf("the element is told %+v", m)
		}
	})
}

func TestAcknowledgementByAnotherDoesNotCount(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice, bob, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob"), connect(t, r, wire.ASAP, bobHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		user.send(report)
		alice.next() // the keep-alive, which alice does not acknowledge
		bob.send(&wire.EndpointKeepAliveAck{PoolHandle: []byte(pool), PEID: alicePE})
		time.Sleep(registrar.DefaultTimers().KeepAliveTimeout + time.Millisecond)
		if len(resolve(user, pool).Elements) != 0 {
			t.Fatal("another's acknowledgement kept a silent element")
		}
	})
}

// TestReportsAreNotReflected: however many reports come, an element gets at most one
// keep-alive in KeepAliveSpacing (draft section 2.14).
func TestReportsAreNotReflected(t *testing.T) {
	in(t, func(c *registrar.Config) {
		rates := registrar.DefaultRates()
		rates.Reports = registrar.Limit{PerSecond: 1e6, Burst: 1e6} // the spacing alone has to hold
		d := registrar.NewDefences()
		d.Rate = registrar.NewRate(rates)
		c.Defences = &d
		c.Timers = registrar.DefaultTimers()
		c.Timers.KeepAlive = time.Hour
	}, func(t *testing.T, r *registrar.Registrar) {
		alice, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		seen := make(chan int)
		go func() {
			n := 0
			for alice.next() != nil {
				n++
				alice.send(&wire.EndpointKeepAliveAck{PoolHandle: []byte(pool), PEID: alicePE})
			}
			seen <- n
		}()
		begun := time.Now()
		for range 1000 {
			user.send(report)
			time.Sleep(10 * time.Millisecond)
		}
		seconds := int(time.Since(begun).Seconds())
		synctest.Wait()
		_ = alice.assoc.Abort("end")
		if n := <-seen; n > seconds+1 || n < seconds/2 {
			t.Fatalf("%d keep-alives in %d s after 1000 reports, want about one a second", n, seconds)
		}
	})
}

func TestIdleKeepAlivesAreSpread(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := element(alicePE, aliceHost)
		pe.Life = -1
		alice.ask(registration(pool, pe))
		cycle := registrar.DefaultTimers().KeepAlive
		last, shortest, longest := time.Now(), time.Hour, time.Duration(0)
		for range 200 {
			alice.next()
			gap := time.Since(last)
			last, shortest, longest = time.Now(), min(shortest, gap), max(longest, gap)
			alice.send(&wire.EndpointKeepAliveAck{PoolHandle: []byte(pool), PEID: alicePE})
		}
		// RFC 5352 section 3.5: plus/minus 50 percent. With 200 draws both ends are near.
		if shortest < cycle/2 || longest > cycle*3/2 || shortest > cycle*6/10 || longest < cycle*14/10 {
			t.Fatalf("keep-alives came %s to %s apart, want %s to %s", shortest, longest, cycle/2, cycle*3/2)
		}
	})
}

func TestElementMayComeBackAfterItsAssociationIsLost(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		_ = alice.assoc.Abort("reset by an attacker")
		time.Sleep(registrar.DefaultTimers().KeepAliveTimeout - time.Second)
		again := connect(t, r, wire.ASAP, aliceHost, "alice")
		again.ask(registration(pool, element(alicePE, aliceHost)))
		time.Sleep(registrar.DefaultTimers().KeepAliveTimeout)
		if len(resolve(user, pool).Elements) != 1 {
			t.Fatal("an element that came back was removed")
		}
		_ = again.assoc.Abort("gone for good")
		time.Sleep(registrar.DefaultTimers().KeepAliveTimeout + time.Millisecond)
		if len(resolve(user, pool).Elements) != 0 {
			t.Fatal("an element without an association is still there")
		}
	})
}
