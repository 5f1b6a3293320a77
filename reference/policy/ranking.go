// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rspthreat/rspthreat/reference/wire"

// ranking orders elements by a value, lowest first, and equals round robin. It
// is a heap: a selection takes the best off the top, where they collect behind
// the end of the shrinking heap, and puts them back.
type ranking struct {
	heap  []rank
	where []Ref  // index in heap, by Ref
	turn  uint64 // next place at the end of a group of equals
	value func(*wire.Policy) uint64
	// selected returns the new value of an element that is being returned.
	// nil leaves values alone.
	selected func(r Ref, value uint64) uint64
}

// rank is the place of an element: by value, then by turn, which is unique.
type rank struct {
	value, turn uint64
	ref         Ref
}

func (a *rank) before(b *rank) bool {
	return a.value < b.value || a.value == b.value && a.turn < b.turn
}

// arity is the number of children of a heap node. Four are as many comparisons
// as two take, at half the depth, and lie side by side in memory.
const arity = 4

func newRanking(value func(*wire.Policy) uint64) *ranking { return &ranking{value: value} }

func (s *ranking) Len() int { return len(s.heap) }

func (s *ranking) has(r Ref) bool { return int(r) < len(s.where) && s.where[r] != none }

func (s *ranking) Insert(r Ref, p *wire.Policy) { s.put(r, s.value(p)) }

func (s *ranking) Update(r Ref, p *wire.Policy) { s.put(r, s.value(p)) }

// put adds or moves the element. It keeps its turn while its value stays.
func (s *ranking) put(r Ref, value uint64) {
	if !s.has(r) {
		s.where = grow(s.where, r, none)
		s.heap = append(s.heap, rank{value, s.nextTurn(), r})
		s.up(len(s.heap) - 1)
		return
	}
	at := int(s.where[r])
	if s.heap[at].value == value {
		return
	}
	s.heap[at].value, s.heap[at].turn = value, s.nextTurn()
	s.fix(at)
}

func (s *ranking) Remove(r Ref) {
	if !s.has(r) {
		return
	}
	at, last := int(s.where[r]), len(s.heap)-1
	moved := s.heap[last]
	s.heap = s.heap[:last]
	s.where[r] = none
	if at < last {
		s.place(at, moved)
		s.fix(at)
	}
}

func (s *ranking) Select(n int, dst []Ref) []Ref {
	all := s.heap
	k := wanted(n, len(all))
	for range k {
		dst = append(dst, s.heap[0].ref)
		last := len(s.heap) - 1
		best := s.heap[0]
		s.heap[0] = all[last]
		all[last] = best
		s.heap = s.heap[:last]
		s.down(0)
	}
	group := ^uint64(0) // above every value: a load and a degradation have 33 bits, or see degrade
	for i := len(all) - 1; i >= len(all)-k; i-- {
		group = s.rotate(&all[i], group)
	}
	for len(s.heap) < len(all) {
		s.heap = all[:len(s.heap)+1]
		s.up(len(s.heap) - 1)
	}
	return dst
}

// rotate gives a selected element its new value. It also gets the last turn if
// the value changed, or if it was the first of its group of equals in the
// selection. group is the value of the one before it; rotate returns its own.
func (s *ranking) rotate(e *rank, group uint64) uint64 {
	was := e.value
	if s.selected != nil {
		e.value = s.selected(e.ref, was)
	}
	if e.value != was || was != group {
		e.turn = s.nextTurn()
	}
	return was
}

func (s *ranking) nextTurn() uint64 {
	s.turn++
	return s.turn
}

func (s *ranking) place(at int, e rank) {
	s.heap[at] = e
	s.where[e.ref] = Ref(at)
}

// fix restores the order after the element at this index changed.
func (s *ranking) fix(at int) {
	if !s.up(at) {
		s.down(at)
	}
}

// up moves the element at this index to its place among its ancestors and
// reports whether it moved.
func (s *ranking) up(at int) bool {
	e, from := s.heap[at], at
	for at > 0 {
		parent := (at - 1) / arity
		if !e.before(&s.heap[parent]) {
			break
		}
		s.place(at, s.heap[parent])
		at = parent
	}
	s.place(at, e)
	return at != from
}

// down moves the element at this index to its place among its descendants.
func (s *ranking) down(at int) {
	if at >= len(s.heap) {
		return
	}
	e := s.heap[at]
	for {
		least := at*arity + 1
		if least >= len(s.heap) {
			break
		}
		for c := least + 1; c < min(at*arity+1+arity, len(s.heap)); c++ {
			if s.heap[c].before(&s.heap[least]) {
				least = c
			}
		}
		if !s.heap[least].before(&e) {
			break
		}
		s.place(at, s.heap[least])
		at = least
	}
	s.place(at, e)
}
