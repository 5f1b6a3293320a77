// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// weightedRandom is the policy of RFC 5356 section 4.4: each element is drawn
// with the ratio of its weight to the sum of weights, without replacement.
type weightedRandom struct {
	rand       *rand.Rand
	sums       cumulative
	weight     []uint32 // by Ref
	weighty    int      // elements with a weight
	weightless *uniform // used only when no element has a weight
	weightOf   func(*wire.Policy) uint32
}

func newWeightedRandom(random rand.Source) *weightedRandom {
	return newDraw(random, func(p *wire.Policy) uint32 { return p.Weight })
}

// newDraw returns a weighted random selector with another idea of weight.
func newDraw(random rand.Source, weightOf func(*wire.Policy) uint32) *weightedRandom {
	return &weightedRandom{rand: rand.New(random), weightless: newUniform(random), weightOf: weightOf}
}

func (s *weightedRandom) Len() int { return s.weighty + s.weightless.Len() }

func (s *weightedRandom) Insert(r Ref, p *wire.Policy) { s.Update(r, p) }

func (s *weightedRandom) Update(r Ref, p *wire.Policy) {
	w := s.weightOf(p)
	s.weight = grow(s.weight, r, 0)
	s.sums.grow(len(s.weight))
	s.set(r, w)
	if w == 0 {
		s.weightless.add(r)
	} else {
		s.weightless.Remove(r)
	}
}

func (s *weightedRandom) Remove(r Ref) {
	if int(r) < len(s.weight) {
		s.set(r, 0)
	}
	s.weightless.Remove(r)
}

// set changes the weight of an element, 0 for none.
func (s *weightedRandom) set(r Ref, w uint32) {
	old := s.weight[r]
	if old == 0 && w != 0 {
		s.weighty++
	} else if old != 0 && w == 0 {
		s.weighty--
	}
	s.sums.add(int(r), uint64(w)-uint64(old))
	s.weight[r] = w
}

func (s *weightedRandom) Select(n int, dst []Ref) []Ref {
	if s.weighty == 0 {
		return s.weightless.Select(n, dst)
	}
	first := len(dst)
	for range wanted(n, s.weighty) {
		r := Ref(s.sums.find(s.rand.Uint64N(s.sums.total)))
		dst = append(dst, r)
		s.sums.add(int(r), -uint64(s.weight[r])) // not twice in one answer
	}
	for _, r := range dst[first:] {
		s.sums.add(int(r), uint64(s.weight[r]))
	}
	return dst
}
