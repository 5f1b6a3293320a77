// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// uniform is the random policy of RFC 5356 section 4.3: the elements in an array
// of which each selection shuffles the beginning. What order earlier selections
// left behind does not matter to the next, which stays uniform.
type uniform struct {
	rand  *rand.Rand
	items []Ref
	where []Ref // index in items, by Ref
}

func newUniform(random rand.Source) *uniform { return &uniform{rand: rand.New(random)} }

func (s *uniform) Len() int { return len(s.items) }

func (s *uniform) has(r Ref) bool { return int(r) < len(s.where) && s.where[r] != none }

func (s *uniform) Insert(r Ref, _ *wire.Policy) { s.add(r) }

func (s *uniform) Update(r Ref, _ *wire.Policy) { s.add(r) }

func (s *uniform) add(r Ref) {
	if s.has(r) {
		return
	}
	s.where = grow(s.where, r, none)
	s.where[r] = Ref(len(s.items))
	s.items = append(s.items, r)
}

func (s *uniform) Remove(r Ref) {
	if !s.has(r) {
		return
	}
	s.swap(s.where[r], Ref(len(s.items)-1))
	s.items = s.items[:len(s.items)-1]
	s.where[r] = none
}

func (s *uniform) swap(i, j Ref) {
	a, b := s.items[i], s.items[j]
	s.items[i], s.items[j] = b, a
	s.where[b], s.where[a] = i, j
}

func (s *uniform) Select(n int, dst []Ref) []Ref {
	k := wanted(n, len(s.items))
	for i := range k {
		s.swap(Ref(i), Ref(i+s.rand.IntN(len(s.items)-i)))
	}
	return append(dst, s.items[:k]...)
}
