// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// all are the policies of RFC 5356 and one that nobody defined.
var all = []wire.PolicyType{
	wire.RoundRobin, wire.WeightedRoundRobin, wire.Random, wire.WeightedRandom, wire.Priority,
	wire.LeastUsed, wire.LeastUsedDegradation, wire.PriorityLeastUsed, wire.RandomizedLeastUsed,
	0x8badf00d,
}

// seeded is a random source that makes tests repeat.
func seeded() rand.Source { return rand.NewPCG(5356, 2008) }

// weight, load and the like make the policy values of one element.
func weight(w uint32) *wire.Policy   { return &wire.Policy{Weight: w} }
func load(l uint32) *wire.Policy     { return &wire.Policy{Load: l} }
func priority(p uint32) *wire.Policy { return &wire.Policy{Priority: p} }
func degrading(l, d uint32) *wire.Policy {
	return &wire.Policy{Load: l, Degradation: d}
}

// filled returns a selector with the elements 0, 1, 2, ...
func filled(t wire.PolicyType, values ...*wire.Policy) Selector {
	s := New(t, seeded())
	for i, v := range values {
		s.Insert(Ref(i), v)
	}
	return s
}

// expect selects n elements once for each answer, written as letters: "ab" is elements 0 and 1.
func expect(t *testing.T, s Selector, n int, answers ...string) {
	t.Helper()
	for i, want := range answers {
		var got []byte
		for _, r := range s.Select(n, nil) {
			got = append(got, 'a'+byte(r))
		}
		if string(got) != want {
			t.Fatalf("selection %d of %d: got %q, want %q", i+1, len(answers), got, want)
		}
	}
}

func TestUnknownPolicyIsServedRoundRobin(t *testing.T) {
	s := filled(0x8badf00d, load(9), load(5), load(7))
	expect(t, s, 2, "ab", "bc", "ca", "ab")
}

// TestSelectionsAreDifferentMembers holds every policy to what they all promise,
// through any history of elements that come, change and go.
func TestSelectionsAreDifferentMembers(t *testing.T) {
	for _, policy := range all {
		t.Run(policy.String(), rapid.MakeCheck(func(t *rapid.T) {
			s := New(policy, rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			present := map[Ref]*wire.Policy{}
			t.Repeat(map[string]func(*rapid.T){
				"put": func(t *rapid.T) {
					r, v := anyRef(t), anyValues(t)
					if _, ok := present[r]; ok && rapid.Bool().Draw(t, "as update") {
						s.Update(r, v)
					} else {
						s.Insert(r, v)
					}
					present[r] = v
				},
				"remove": func(t *rapid.T) {
					r := anyRef(t)
					s.Remove(r)
					delete(present, r)
				},
				"select": func(t *rapid.T) {
					n := rapid.IntRange(-1, 12).Draw(t, "n")
					checkMembers(t, policy, present, n, s.Select(n, nil))
				},
				"": func(t *rapid.T) {
					if s.Len() != len(present) {
						t.Fatalf("Len is %d with %d elements", s.Len(), len(present))
					}
				},
			})
		}))
	}
}

func checkMembers(t *rapid.T, policy wire.PolicyType, present map[Ref]*wire.Policy, n int, got []Ref) {
	able := len(present)
	if capable := countCapable(policy, present); capable > 0 {
		able = capable
	}
	want := able
	if n > 0 {
		want = min(n, able)
	}
	if len(got) != want {
		t.Fatalf("%v of %d elements, %d capable: got %d, want %d", policy, len(present), able, len(got), want)
	}
	slices.Sort(got)
	if len(slices.Compact(slices.Clone(got))) != len(got) {
		t.Fatalf("an element is reported twice: %v", got)
	}
	for _, r := range got {
		if present[r] == nil {
			t.Fatalf("element %d is not in the pool", r)
		}
		if able < len(present) && capability(policy, present[r]) == 0 {
			t.Fatalf("element %d cannot serve but others can", r)
		}
	}
}

// capability is the weight by which RFC 5356 lets an element take part.
func capability(policy wire.PolicyType, v *wire.Policy) uint32 {
	switch policy {
	case wire.WeightedRoundRobin, wire.WeightedRandom:
		return v.Weight
	case wire.RandomizedLeastUsed:
		return 0xffffffff - v.Load
	}
	return 1
}

func countCapable(policy wire.PolicyType, present map[Ref]*wire.Policy) (n int) {
	for _, v := range present {
		if capability(policy, v) > 0 {
			n++
		}
	}
	return n
}

func anyRef(t *rapid.T) Ref { return Ref(rapid.IntRange(0, 9).Draw(t, "element")) }

// anyValues draws values that are often equal, often extreme.
func anyValues(t *rapid.T) *wire.Policy {
	v := rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32(), rapid.Just(uint32(0xffffffff)))
	return &wire.Policy{
		Weight: v.Draw(t, "weight"), Priority: v.Draw(t, "priority"),
		Load: v.Draw(t, "load"), Degradation: v.Draw(t, "degradation"),
	}
}

func TestSelectDoesNotAllocate(t *testing.T) {
	for _, policy := range all {
		t.Run(policy.String(), func(t *testing.T) {
			s := crowd(policy, 1000)
			dst := make([]Ref, 0, 1000)
			for _, n := range []int{1, 3, 0} {
				if a := testing.AllocsPerRun(100, func() { s.Select(n, dst) }); a != 0 {
					t.Errorf("Select(%d) allocates %v times", n, a)
				}
			}
		})
	}
}

// crowd returns a selector with n elements of various values.
func crowd(policy wire.PolicyType, n int) Selector {
	s := New(policy, seeded())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		s.Insert(Ref(i), &wire.Policy{
			Weight: 1 + r.Uint32N(100), Priority: r.Uint32N(100), Load: r.Uint32(), Degradation: r.Uint32() >> 8,
		})
	}
	return s
}

// benchmarkSizes show how the cost grows.
var benchmarkSizes = []int{1e3, 1e4, 1e5, 1e6}

func BenchmarkSelect3(b *testing.B) {
	for _, policy := range all[:9] {
		for _, n := range benchmarkSizes {
			b.Run(fmt.Sprintf("%v/n=%d", policy, n), func(b *testing.B) {
				s := crowd(policy, n)
				dst := make([]Ref, 0, 3)
				b.ReportAllocs()
				for b.Loop() {
					dst = s.Select(3, dst[:0])
				}
			})
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, policy := range all[:9] {
		for _, n := range benchmarkSizes {
			b.Run(fmt.Sprintf("%v/n=%d", policy, n), func(b *testing.B) {
				s := crowd(policy, n)
				r := rand.New(seeded())
				b.ReportAllocs()
				for b.Loop() {
					v := r.Uint32()
					s.Update(Ref(v%uint32(n)), &wire.Policy{Weight: v | 1, Priority: v, Load: v, Degradation: v})
				}
			})
		}
	}
}
