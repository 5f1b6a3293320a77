// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/bits"
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// weightedRoundRobin is the policy of RFC 5356 section 4.2 without the circular
// list itself, which would have as many entries as the sum of all weights.
//
// It schedules by eligible virtual deadline first. In a round of virtual time 1
// an element of weight w is due w times: the j-th time not before (j-1)/w, and
// before j/w. Each step gives the turn to the earliest deadline among those whose
// time has come, and moves virtual time by 1/(sum of weights). Therefore every
// element occurs exactly w times a round, and at no step differs from its
// proportional share by one occurrence or more: no list is spread more evenly.
// All arithmetic is on integers and exact.
type weightedRoundRobin struct {
	tree       schedule
	weights    int64 // sum of the weights, below 2^63 for less than 2^31 elements
	round      int64 // virtual time is round + part/weights, 0 <= part < weights
	part       int64
	count      int
	turn       uint64
	rand       *rand.Rand
	weightless *roundRobin // used only when no element has a weight
}

func newWeightedRoundRobin(random rand.Source) *weightedRoundRobin {
	return &weightedRoundRobin{
		tree: schedule{root: none}, rand: rand.New(random), weightless: newRoundRobin(),
	}
}

func (s *weightedRoundRobin) Len() int { return s.count + s.weightless.Len() }

func (s *weightedRoundRobin) has(r Ref) bool {
	return int(r) < len(s.tree.nodes) && s.tree.nodes[r].due.weight != 0
}

func (s *weightedRoundRobin) Insert(r Ref, p *wire.Policy) { s.Update(r, p) }

// Update keeps the time at which the element is due when its weight changes.
func (s *weightedRoundRobin) Update(r Ref, p *wire.Policy) {
	now := moment{round: s.round, part: uint64(s.part), weight: uint64(s.weights)}
	if s.has(r) {
		if now = s.tree.nodes[r].due; now.weight == uint64(p.Weight) {
			return
		}
	}
	s.Remove(r)
	if p.Weight == 0 {
		s.weightless.add(r)
		return
	}
	s.tree.nodes = grow(s.tree.nodes, r, occurrence{})
	s.turn++
	s.tree.nodes[r] = occurrence{due: now.rescale(uint64(p.Weight)), turn: s.turn, balance: s.rand.Uint64()}
	s.tree.insert(r)
	s.count++
	s.account(s.tree.nodes[r].due, 1)
}

func (s *weightedRoundRobin) Remove(r Ref) {
	s.weightless.Remove(r)
	if !s.has(r) {
		return
	}
	s.tree.remove(r)
	s.count--
	s.account(s.tree.nodes[r].due, -1)
	s.tree.nodes[r].due.weight = 0
}

// account keeps virtual time the weighted mean of the times at which all elements
// are due when one comes (sign 1) or goes (sign -1). That is what makes shares
// exact and gives at any time at least one element whose time has come.
func (s *weightedRoundRobin) account(m moment, sign int64) {
	w := int64(m.weight)
	s.weights += sign * w
	s.part += sign * ((m.round-s.round)*w + int64(m.part))
	if s.weights == 0 {
		s.part = 0
		return
	}
	rounds := s.part / s.weights
	if s.part%s.weights < 0 {
		rounds--
	}
	s.round += rounds
	s.part -= rounds * s.weights
}

func (s *weightedRoundRobin) Select(n int, dst []Ref) []Ref {
	if s.count == 0 {
		return s.weightless.Select(n, dst)
	}
	first := s.tree.earliest(moment{round: s.round, part: uint64(s.part), weight: uint64(s.weights)})
	dst = append(dst, first)
	s.tree.remove(first)
	if n = wanted(n, s.count) - 1; n > 0 {
		dst, _ = s.tree.walk(s.tree.root, n, dst)
	}
	s.tree.nodes[first].due.step()
	s.tree.insert(first)
	if s.part++; s.part == s.weights {
		s.round, s.part = s.round+1, 0
	}
	return dst
}

// moment is the virtual time round + part/weight, 0 <= part < weight.
type moment struct {
	round        int64
	part, weight uint64
}

// reached reports whether m is not after t.
func (m *moment) reached(t *moment) bool {
	return m.round < t.round || m.round == t.round && compare(m.part, m.weight, t.part, t.weight) <= 0
}

// deadlineBefore compares m.round + (m.part+1)/m.weight with the same of t.
func (m *moment) deadlineBefore(t *moment) (before, equal bool) {
	if m.round != t.round {
		return m.round < t.round, false // part+1 is at most weight, so a round's last deadline is its end
	}
	c := compare(m.part+1, m.weight, t.part+1, t.weight)
	return c < 0, c == 0
}

// step moves m by 1/weight.
func (m *moment) step() {
	if m.part++; m.part == m.weight {
		m.round, m.part = m.round+1, 0
	}
}

// rescale returns the first multiple of 1/weight not before m.
func (m *moment) rescale(weight uint64) moment {
	if m.part == 0 {
		return moment{round: m.round, weight: weight}
	}
	hi, lo := bits.Mul64(m.part, weight)
	part, rest := bits.Div64(hi, lo, m.weight) // part < weight because m.part < m.weight
	to := moment{round: m.round, part: part, weight: weight}
	if rest > 0 {
		to.step()
	}
	return to
}

// compare compares the fractions a/b and c/d.
func compare(a, b, c, d uint64) int {
	xh, xl := bits.Mul64(a, d)
	yh, yl := bits.Mul64(c, b)
	switch {
	case xh < yh || xh == yh && xl < yl:
		return -1
	case xh == yh && xl == yl:
		return 0
	}
	return 1
}
