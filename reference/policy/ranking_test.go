// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestPrioritySelectsHighestFirst(t *testing.T) {
	s := filled(wire.Priority, priority(1), priority(math.MaxUint32), priority(0), priority(7))
	expect(t, s, 0, "bdac", "bdac")
	expect(t, s, 2, "bd")
	s.Update(0, priority(9))
	expect(t, s, 3, "bad")
	s.Remove(1)
	expect(t, s, 1, "a", "a")
}

func TestEqualsAreServedRoundRobin(t *testing.T) {
	for _, policy := range []wire.PolicyType{
		wire.Priority, wire.LeastUsed, wire.LeastUsedDegradation, wire.PriorityLeastUsed,
	} {
		t.Run(policy.String(), func(t *testing.T) {
			s := filled(policy, load(5), load(5), load(5), load(5))
			expect(t, s, 1, "a", "b", "c", "d", "a")
			expect(t, s, 3, "bcd", "cda", "dab", "abc")
			s.Update(1, load(5)) // a re-registration without change keeps the turn
			s.Insert(4, load(5)) // a new one takes the last
			expect(t, s, 0, "bcdae")
		})
	}
}

func TestEqualsRotateBehindABetterOne(t *testing.T) {
	s := filled(wire.LeastUsed, load(1), load(2), load(2), load(2))
	expect(t, s, 2, "ab", "ac", "ad", "ab")
}

func TestLeastUsedSelectsAscendingLoad(t *testing.T) {
	s := filled(wire.LeastUsed, load(math.MaxUint32), load(0), load(0x80000000), load(1))
	expect(t, s, 0, "bdca", "bdca")
	s.Update(1, load(2))
	expect(t, s, 2, "db")
}

func TestPriorityLeastUsedAddsTheLoadToCome(t *testing.T) {
	// The example of RFC 5356 section 5.3.1: A at 50 % + 10 %, B at 50 % + 50 %.
	const half = math.MaxUint32 / 2
	s := filled(wire.PriorityLeastUsed, degrading(half, half), degrading(half, half/5))
	expect(t, s, 2, "ba", "ba")
	// Sums above 100 % still differ.
	s = filled(wire.PriorityLeastUsed, degrading(math.MaxUint32, 2), degrading(math.MaxUint32, 1))
	expect(t, s, 2, "ba")
}

func TestDegradationCountsEveryElementReturned(t *testing.T) {
	// a: 0, 10, 20 ...; b: 5, 9, 13 ...; c: 100 always.
	s := filled(wire.LeastUsedDegradation, degrading(0, 10), degrading(5, 4), load(100))
	expect(t, s, 1, "a" /* 10 5 */, "b" /* 10 9 */, "b" /* 10 13 */, "a" /* 20 13 */, "b" /* 20 17 */)
	expect(t, s, 2, "ba" /* 30 21 */, "ba" /* 40 25 */)
	expect(t, s, 3, "bac" /* 50 29 */)
}

func TestReregistrationResetsDegradation(t *testing.T) {
	s := filled(wire.LeastUsedDegradation, degrading(0, 10), degrading(15, 0))
	expect(t, s, 1, "a", "a", "b", "b")
	s.Update(0, degrading(0, 10)) // the same values, and the counter is 0 again
	expect(t, s, 1, "a", "a", "b")
	s.Remove(0)
	s.Insert(0, degrading(0, 10))
	expect(t, s, 1, "a", "a", "b")
}

func TestDegradationDoesNotOverflow(t *testing.T) {
	s := newLeastUsedDegradation()
	s.Insert(0, degrading(0, math.MaxUint32))
	s.Insert(1, load(math.MaxUint32))
	s.values[0].counter = math.MaxUint32 - 1
	expect(t, s, 2, "ab", "ba", "ba", "ba")
}

// candidate is an element of the ranking model, which sorts for every selection.
type candidate struct {
	ref                        Ref
	load, degradation, counter uint64
	turn                       int
}

// TestRankingMatchesModel compares the three adaptive rankings with a sorted list.
func TestRankingMatchesModel(t *testing.T) {
	for policy, value := range map[wire.PolicyType]func(*candidate) uint64{
		wire.LeastUsed:            func(c *candidate) uint64 { return c.load },
		wire.PriorityLeastUsed:    func(c *candidate) uint64 { return c.load + c.degradation },
		wire.LeastUsedDegradation: func(c *candidate) uint64 { return c.load + c.counter*c.degradation },
	} {
		t.Run(policy.String(), rapid.MakeCheck(func(t *rapid.T) {
			s := New(policy, nil)
			var list []*candidate
			turn := 0
			t.Repeat(map[string]func(*rapid.T){
				"put": func(t *rapid.T) {
					r, v := anyRef(t), anyValues(t)
					s.Update(r, v)
					c := &candidate{ref: r, load: uint64(v.Load), degradation: uint64(v.Degradation)}
					turn++
					c.turn = turn
					if i := slices.IndexFunc(list, func(c *candidate) bool { return c.ref == r }); i >= 0 {
						if value(list[i]) == value(c) {
							c.turn = list[i].turn
						}
						list[i] = c
						return
					}
					list = append(list, c)
				},
				"remove": func(t *rapid.T) {
					r := anyRef(t)
					s.Remove(r)
					list = slices.DeleteFunc(list, func(c *candidate) bool { return c.ref == r })
				},
				"select": func(t *rapid.T) {
					n := rapid.IntRange(1, 12).Draw(t, "n")
					want := rankedSelect(list, n, value, &turn)
					if got := s.Select(n, nil); !slices.Equal(got, want) {
						t.Fatalf("got %v, want %v", got, want)
					}
				},
			})
		}))
	}
}

func rankedSelect(list []*candidate, n int, value func(*candidate) uint64, turn *int) (want []Ref) {
	slices.SortFunc(list, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(value(a), value(b)), a.turn-b.turn)
	})
	groups := map[uint64]bool{}
	for _, c := range list[:min(n, len(list))] {
		want = append(want, c.ref)
		before := value(c)
		c.counter++
		if !groups[before] || value(c) != before {
			*turn++
			c.turn = *turn
		}
		groups[before] = true
	}
	return want
}
