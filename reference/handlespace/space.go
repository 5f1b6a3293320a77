// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"iter"
	"math/rand/v2"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Space is a handlespace. Make one with [New].
type Space struct {
	options     Options
	random      rand.Source
	pools       map[string]*pool
	table       []*pool  // by number; a pool keeps its number; nil is free
	freeNumbers []uint32 // of table
	elements    map[key]*element
	homes       map[wire.ServerID]*home
	owners      map[string]*owner
	epoch       time.Time // first time seen; all others are kept relative to it
	timers      timers
	refs        []policy.Ref // scratch of Resolve
}

// New returns an empty handlespace.
func New(o Options) *Space {
	s := &Space{
		options: o, random: o.Rand,
		pools: map[string]*pool{}, elements: map[key]*element{},
		homes: map[wire.ServerID]*home{}, owners: map[string]*owner{},
	}
	if s.random == nil {
		s.random = rand.NewPCG(0, 0)
	}
	return s
}

// Pools returns the number of pools.
func (s *Space) Pools() int { return len(s.pools) }

// Len returns the number of elements in all pools.
func (s *Space) Len() int { return len(s.elements) }

// Owned returns the number of elements whose home is the server.
func (s *Space) Owned(server wire.ServerID) int {
	if h := s.homes[server]; h != nil {
		return h.elements
	}
	return 0
}

// find returns the element or nil.
func (s *Space) find(handle []byte, id wire.PEID) *element {
	p := s.pools[string(handle)]
	if p == nil {
		return nil
	}
	return s.elements[elementKey(p, id)]
}

// Lookup returns one element. It does not allocate.
func (s *Space) Lookup(handle []byte, id wire.PEID) (Element, bool) {
	e := s.find(handle, id)
	if e == nil {
		return Element{}, false
	}
	return s.view(e), true
}

// All iterates over all elements in the order of [Space.Page]. The loop may
// change the handlespace; elements that come meanwhile may or may not be seen.
func (s *Space) All() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		for e := range s.each() {
			if !yield(s.view(e)) {
				return
			}
		}
	}
}

func (s *Space) each() iter.Seq[*element] {
	return func(yield func(*element) bool) {
		for number := 0; number < len(s.table); number++ {
			p := s.table[number]
			for slot := 0; p != nil && slot < len(p.slots); slot++ {
				if e := p.slots[slot]; e != nil && !yield(e) {
					return
				}
			}
		}
	}
}
