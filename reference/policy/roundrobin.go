// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rspthreat/rspthreat/reference/wire"

// roundRobin is the policy of RFC 5356 section 4.1: a circular list and a head.
// A new element goes before the head, that is to the end of the running round.
type roundRobin struct {
	links []ring // by Ref; next is none where there is no element
	head  Ref
	count int
}

type ring struct{ next, prev Ref }

func newRoundRobin() *roundRobin { return &roundRobin{head: none} }

func (s *roundRobin) Len() int { return s.count }

func (s *roundRobin) has(r Ref) bool { return int(r) < len(s.links) && s.links[r].next != none }

func (s *roundRobin) Insert(r Ref, _ *wire.Policy) { s.add(r) }

func (s *roundRobin) Update(r Ref, _ *wire.Policy) { s.add(r) }

// add puts the element before the head unless it is in the list.
func (s *roundRobin) add(r Ref) {
	if s.has(r) {
		return
	}
	s.links = grow(s.links, r, ring{none, none})
	s.count++
	if s.head == none {
		s.head = r
		s.links[r] = ring{r, r}
		return
	}
	last := s.links[s.head].prev
	s.links[r] = ring{next: s.head, prev: last}
	s.links[last].next = r
	s.links[s.head].prev = r
}

func (s *roundRobin) Remove(r Ref) {
	if !s.has(r) {
		return
	}
	l := s.links[r]
	s.links[l.prev].next = l.next
	s.links[l.next].prev = l.prev
	s.links[r] = ring{none, none}
	s.count--
	switch {
	case s.count == 0:
		s.head = none
	case s.head == r:
		s.head = l.next
	}
}

func (s *roundRobin) Select(n int, dst []Ref) []Ref {
	if s.count == 0 {
		return dst
	}
	r := s.head
	for range wanted(n, s.count) {
		dst = append(dst, r)
		r = s.links[r].next
	}
	s.head = s.links[s.head].next
	return dst
}
