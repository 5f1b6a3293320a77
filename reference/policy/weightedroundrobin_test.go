// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestWeightedRoundRobinSpreadsOccurrences(t *testing.T) {
	for name, test := range map[string]struct {
		weights []uint32
		round   string
	}{
		"equal weights are round robin": {[]uint32{1, 1, 1}, "abc"},
		"any equal weights":             {[]uint32{7, 7}, "ab"},
		"twice as often":                {[]uint32{2, 1}, "aba"},
		"one heavy, many light":         {[]uint32{4, 1, 1, 1, 1}, "abacadae"},
		"weight 0 does not occur":       {[]uint32{1, 0, 2}, "cac"},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(wire.WeightedRoundRobin, seeded())
			for i, w := range test.weights {
				s.Insert(Ref(i), weight(w))
			}
			for range 3 {
				for _, want := range test.round {
					expect(t, s, 1, string(want))
				}
			}
		})
	}
}

func TestWeightedRoundRobinListsTheNextInLine(t *testing.T) {
	s := filled(wire.WeightedRoundRobin, weight(1), weight(1), weight(1), weight(1))
	expect(t, s, 3, "abc", "bcd", "cda", "dab", "abc")
	expect(t, s, 0, "bcda")
}

func TestWeightedRoundRobinServesTheWeightlessOnlyAlone(t *testing.T) {
	s := filled(wire.WeightedRoundRobin, weight(0), weight(0))
	expect(t, s, 1, "a", "b", "a")
	s.Insert(2, weight(1))
	expect(t, s, 3, "c", "c")
	s.Update(2, weight(0))
	expect(t, s, 3, "bac")
}

// TestWeightedRoundRobinKeepsProportion checks RFC 5356 section 4.2.2: ratio exact over
// a round, and never one occurrence or more off in between.
func TestWeightedRoundRobinKeepsProportion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 40)), 1, 10).Draw(t, "weights")
		s, total := New(wire.WeightedRoundRobin, seeded()), 0
		for i, w := range weights {
			s.Insert(Ref(i), weight(uint32(w)))
			total += w
		}
		seen := make([]int, len(weights))
		for step := 1; step <= 3*total; step++ {
			seen[s.Select(1, nil)[0]]++
			for i, w := range weights {
				if off := seen[i]*total - step*w; off <= -total || off >= total {
					t.Fatalf("after %d of %d, element %d of weight %d occurred %d times", step, total, i, w, seen[i])
				}
			}
		}
		for i, w := range weights {
			if seen[i] != 3*w {
				t.Fatalf("element %d of weight %d occurred %d times in 3 rounds", i, w, seen[i])
			}
		}
	})
}

func TestReregisteringDoesNotGainTurns(t *testing.T) {
	s := filled(wire.WeightedRoundRobin, weight(3), weight(3))
	seen := map[Ref]int{}
	for i := range 600 {
		seen[s.Select(1, nil)[0]]++
		s.Update(0, weight(3+uint32(i%2)))
	}
	if seen[0] > 600*4/7 { // its share if it had weight 4 all the time
		t.Errorf("the one that re-registers all the time got %d of 600", seen[0])
	}
}

// fair is the schedule with rational numbers and linear search.
type fair struct {
	ref    Ref
	weight int64
	due    *big.Rat
	turn   int
}

func (f *fair) deadline() *big.Rat { return new(big.Rat).Add(f.due, big.NewRat(1, f.weight)) }

// fairNow is the mean of due times by weight.
func fairNow(list []*fair, before *big.Rat) *big.Rat {
	sum, weights := new(big.Rat), new(big.Rat)
	for _, f := range list {
		w := new(big.Rat).SetInt64(f.weight)
		weights.Add(weights, w)
		sum.Add(sum, w.Mul(w, f.due))
	}
	if len(list) == 0 {
		return new(big.Rat).SetInt(new(big.Int).Div(before.Num(), before.Denom())) // as Selector: the round stays
	}
	return sum.Quo(sum, weights)
}

// fairCeil is the first multiple of 1/weight not before due.
func fairCeil(due *big.Rat, weight int64) *big.Rat {
	x := new(big.Rat).Mul(due, new(big.Rat).SetInt64(weight))
	n := new(big.Int).Add(x.Num(), x.Denom())
	n.Sub(n, big.NewInt(1)).Div(n, x.Denom())
	return new(big.Rat).SetFrac(n, big.NewInt(weight))
}

func TestWeightedRoundRobinMatchesRationalModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(wire.WeightedRoundRobin, seeded())
		var list []*fair
		now, turn := new(big.Rat), 0
		remove := func(r Ref) (old *fair) {
			list = slices.DeleteFunc(list, func(f *fair) bool {
				if f.ref == r {
					old = f
				}
				return f.ref == r
			})
			return old
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				r := anyRef(t)
				w := int64(rapid.OneOf(rapid.Uint32Range(1, 5), rapid.Uint32Min(1)).Draw(t, "weight"))
				s.Update(r, weight(uint32(w)))
				due := now
				if i := slices.IndexFunc(list, func(f *fair) bool { return f.ref == r }); i >= 0 {
					if due = list[i].due; list[i].weight == w {
						return
					}
				}
				remove(r)
				turn++
				list = append(list, &fair{r, w, fairCeil(due, w), turn})
				now = fairNow(list, now)
			},
			"remove": func(t *rapid.T) {
				r := anyRef(t)
				s.Remove(r)
				if remove(r) != nil {
					now = fairNow(list, now)
				}
			},
			"select": func(t *rapid.T) {
				n := rapid.IntRange(1, 12).Draw(t, "n")
				got := s.Select(n, nil)
				want := fairSelect(list, n, now)
				if !slices.Equal(got, want) {
					t.Fatalf("got %v, want %v", got, want)
				}
				now = fairNow(list, now)
			},
		})
	})
}

// fairSelect picks the earliest deadline that is due, then the rest by deadline.
func fairSelect(list []*fair, n int, now *big.Rat) (want []Ref) {
	slices.SortFunc(list, func(a, b *fair) int {
		if c := a.deadline().Cmp(b.deadline()); c != 0 {
			return c
		}
		return a.turn - b.turn
	})
	var first *fair
	for _, f := range list {
		if f.due.Cmp(now) <= 0 {
			first = f
			want = append(want, f.ref)
			break
		}
	}
	for _, f := range list {
		if f != first && len(want) < n {
			want = append(want, f.ref)
		}
	}
	if first != nil {
		first.due = first.deadline()
	}
	return want
}
