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

func TestRejectedRegistrationIsNotRepeatedUnlessCorrected(t *testing.T) {
	causes := []wire.Cause{{Code: wire.CauseInconsistentUse}}
	answer := &wire.RegistrationResponse{Reject: true, PoolHandle: []byte(pool), PEID: peID, Causes: causes}
	var first, second *host
	run(t, config(2), func(b *bed) { first = b.up(1) }, func(t *testing.T, b *bed) {
		n := first.next()
		expect[*wire.Registration](n)
		n.send(answer)
		if ev := b.event(poolelement.Rejected); len(ev.Causes) != 1 || ev.Causes[0].Code != wire.CauseInconsistentUse || ev.PEID != peID {
			t.Fatalf("event %+v", ev)
		}
		synctest.Wait() // for the call to the second one, which is refused
		second = b.up(2)
		n.silent(24 * time.Hour)
		b.down(1)
		_ = n.assoc.Abort("gone") // another registrar does not make it right either
		time.Sleep(24 * time.Hour)
		if calls := b.calls(); len(second.accept) != 0 || len(calls) > 2 {
			t.Fatalf("calls %v after a rejection", calls)
		}
		unchanged := config(1).Pools[0]
		if err := b.e.Register(unchanged); !errors.Is(err, poolelement.ErrNotCorrected) {
			t.Fatalf("the rejected registration again: %v", err)
		}
		corrected := config(1).Pools[0]
		corrected.User = wire.Transport{Kind: wire.TransportSCTP, Port: 5000, Use: wire.DataAndControl}
		if err := b.e.Register(corrected); err != nil {
			t.Fatal(err)
		}
		if r := second.next().grant(); r.Element.User.Use != wire.DataAndControl || r.Element.ID != peID {
			t.Fatalf("corrected registration %+v", r)
		}
	})
}

func TestRegistrationCorrectedBeforeItsRejectionIsTriedAgain(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		expect[*wire.Registration](n)
		p := config(1).Pools[0]
		p.Policy.Type = wire.Random
		if err := b.e.Register(p); err != nil {
			t.Fatal(err)
		}
		n.send(&wire.RegistrationResponse{Reject: true, PoolHandle: []byte(pool), PEID: peID, Causes: []wire.Cause{{Code: wire.CauseUnspecified}}})
		if r := n.grant(); r.Element.Policy.Type != wire.Random {
			t.Fatalf("got %+v", r)
		}
	})
}

// TestRejectedElementIsNoMember: it does not answer for the pool, and has nothing to leave.
// A rejected change leaves what was granted before.
func TestRejectedElementIsNoMember(t *testing.T) {
	for _, granted := range []bool{false, true} {
		var h *host
		run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
			n := h.next()
			if granted {
				n.grant()
				p := config(1).Pools[0]
				p.Policy.Type = wire.Random
				if err := b.e.Register(p); err != nil {
					t.Fatal(err)
				}
			}
			expect[*wire.Registration](n)
			n.send(&wire.RegistrationResponse{Reject: true, PoolHandle: []byte(pool), PEID: peID, Causes: []wire.Cause{{Code: wire.CauseUnspecified}}})
			b.event(poolelement.Rejected)
			n.send(keepAlive(false, server1))
			if granted {
				expect[*wire.EndpointKeepAliveAck](n)
			}
			n.silent(time.Second)
			result := leave(b)
			if granted {
				expect[*wire.Deregistration](n)
				return
			}
			if err := <-result; err != nil {
				t.Fatal(err)
			}
			n.silent(time.Second)
		})
	}
}

func TestSecurityErrorRejectsTheRegistration(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := h.next()
		expect[*wire.Registration](n)
		n.send(&wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseSecurity}}}) // RFC 5352 section 9.3
		b.event(poolelement.PeerError)
		b.event(poolelement.Rejected)
		n.silent(time.Hour)
	})
}
