// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// chosen opens and closes n sessions and returns the elements in order.
func chosen(t *testing.T, b *bed, n int) []wire.PEID {
	t.Helper()
	var ids []wire.PEID
	for range n {
		s, err := b.user.Open(within(t, time.Second), pool)
		if err != nil {
			t.Fatal(err)
		}
		e, _, _ := s.Element()
		ids = append(ids, e.ID)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// RFC 5356: the order in which one response is used.
func TestSelectionFollowsThePolicyOfThePool(t *testing.T) {
	const percent = math.MaxUint32 / 100
	load := func(l, d uint32) wire.Policy { return wire.Policy{Load: l * percent, Degradation: d * percent} }
	for _, tc := range []struct {
		policy   wire.PolicyType
		elements []wire.Policy // of A, B and C
		want     []wire.PEID
	}{
		{wire.RoundRobin, make([]wire.Policy, 3), []wire.PEID{peA, peB, peC, peA, peB, peC}},
		{0x80000777, make([]wire.Policy, 3), []wire.PEID{peA, peB, peC, peA}}, // unknown: round robin
		{wire.Priority, []wire.Policy{{Priority: 1}, {Priority: 9}, {Priority: 5}}, []wire.PEID{peB, peB, peB}},
		{wire.LeastUsed, []wire.Policy{load(50, 0), load(10, 0), load(70, 0)}, []wire.PEID{peB, peB, peB}},
		{wire.PriorityLeastUsed, []wire.Policy{load(50, 10), load(40, 50), load(70, 0)}, []wire.PEID{peA, peA}},
		// The registrar's order first, then 10 + 30 = 40 > 30 and so on.
		{wire.LeastUsedDegradation, []wire.Policy{load(10, 30), load(30, 30), load(80, 0)}, []wire.PEID{peA, peB, peA, peB, peA, peC}},
		// A has served many already, which only the registrar knows: it comes last.
		{wire.LeastUsedDegradation, []wire.Policy{load(40, 5), load(30, 5), load(0, 5)}, []wire.PEID{peA, peB, peC}},
	} {
		t.Run(tc.policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, nil, peA, peB, peC)
				b.dir.set(func(d *directory) {
					d.policy = wire.Policy{Type: tc.policy}
					for i := range d.elements {
						d.elements[i].Policy = tc.elements[i]
						d.elements[i].Policy.Type = tc.policy
					}
				})
				if got := chosen(t, b, len(tc.want)); !slices.Equal(got, tc.want) {
					t.Errorf("%v, want %v", got, tc.want)
				}
				if b.dir.requests() != 1 {
					t.Errorf("%d requests, want one", b.dir.requests())
				}
			})
		})
	}
}

func TestWeightsShareTheSelections(t *testing.T) {
	const percent = math.MaxUint32 / 100
	for _, tc := range []struct {
		policy    wire.PolicyType
		a, b      wire.Policy
		share     float64 // of A
		tolerance float64
	}{
		{wire.WeightedRoundRobin, wire.Policy{Weight: 3}, wire.Policy{Weight: 1}, 0.75, 0},
		// 400 draws: a standard deviation is at most 0.025, and the seed is fixed.
		{wire.Random, wire.Policy{}, wire.Policy{}, 0.5, 0.1},
		{wire.WeightedRandom, wire.Policy{Weight: 9}, wire.Policy{Weight: 1}, 0.9, 0.1},
		{wire.RandomizedLeastUsed, wire.Policy{Load: 20 * percent}, wire.Policy{Load: 80 * percent}, 0.8, 0.1},
	} {
		t.Run(tc.policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, func(c *pooluser.Config) { c.Timers.StaleCache = time.Hour }, peA, peB)
				b.dir.set(func(d *directory) {
					d.policy = wire.Policy{Type: tc.policy}
					tc.a.Type, tc.b.Type = tc.policy, tc.policy
					d.elements[0].Policy, d.elements[1].Policy = tc.a, tc.b
				})
				go drain(b.pe[peA])
				go drain(b.pe[peB])
				const draws = 400
				a := 0
				for _, id := range chosen(t, b, draws) {
					if id == peA {
						a++
					}
				}
				if got := float64(a) / draws; math.Abs(got-tc.share) > tc.tolerance {
					t.Errorf("A was selected in %.3f of all cases, want %.2f", got, tc.share)
				}
			})
		})
	}
}

// drain takes the associations at h.
func drain(h *host) {
	for {
		select {
		case <-h.accepted:
		case <-h.net.t.Context().Done():
			return
		}
	}
}

// RFC 5352 section 2.2.6: the policy of an element MUST NOT determine the pool's.
func TestPolicyOfAnElementIsNotThePolicyOfThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB) // elements say priority, and A has more of it
		b.dir.set(func(d *directory) { d.policy = wire.Policy{Type: wire.RoundRobin} })
		if got := chosen(t, b, 4); !slices.Equal(got, []wire.PEID{peA, peB, peA, peB}) {
			t.Errorf("%v, want round robin", got)
		}
	})
}

func TestFailedElementIsNotSelectedUntilTheRegistrarIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB)
		s, a := b.open(peA)
		a.Abort("")
		b.far(peB)
		s.Close(t.Context())
		if got := chosen(t, b, 2); !slices.Equal(got, []wire.PEID{peB, peB}) {
			t.Errorf("selected %v, want B", got)
		}
		time.Sleep(pooluser.DefaultTimers().StaleCache)
		if got := chosen(t, b, 1); !slices.Equal(got, []wire.PEID{peA}) {
			t.Errorf("selected %v, want A again", got)
		}
	})
}

func TestElementsThatCannotBeUsedAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, nil, peA, peB, peC)
		b.dir.set(func(d *directory) {
			d.elements[0].User.Kind = wire.TransportUDP
			d.elements[1].User.Port = 0
			twice := d.elements[2]
			twice.Policy.Priority = 1000
			twice.User.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.66")}
			d.elements = append(d.elements, twice) // the same identifier again
		})
		s, _ := b.open(peC)
		if e, _, _ := s.Element(); e.ID != peC {
			t.Errorf("element %s", e.ID)
		}
		if got := slices.Sorted(maps.Keys(b.pe)); len(got) != 3 || b.pe[peA].count()+b.pe[peB].count() != 0 {
			t.Error("an element was dialled that cannot be used")
		}
		synctest.Wait()
		if got := b.registrar.reported(); len(got) != 0 {
			t.Errorf("reported %v", got)
		}
	})
}
