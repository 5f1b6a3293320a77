// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// pool is a pool with at least one element.
type pool struct {
	handle    string
	number    uint32         // index in Space.table while the pool lives
	policy    wire.Policy    // of the first element, without Data
	transport wire.Transport // user transport of the first element
	selector  policy.Selector
	slots     []*element // an element keeps its slot; nil is free
	free      []policy.Ref
	sum       uint64 // the handle's part of every element's checksum
}

// size returns the number of elements.
func (p *pool) size() int { return len(p.slots) - len(p.free) }

// accepts applies the rules of RFC 5352 section 3.1 to an element that wants
// to join or to change.
func (p *pool) accepts(pe *wire.PoolElement) error {
	switch {
	case pe.Policy.Type != p.policy.Type:
		return &PolicyMismatchError{Pool: p.policy, Got: pe.Policy.Type}
	case pe.User.Kind != p.transport.Kind:
		return &TransportMismatchError{Pool: p.transport, Got: pe.User.Kind}
	case pe.User.Use != p.transport.Use:
		return fmt.Errorf("%w: %v, the pool's is %v", ErrUseMismatch, pe.User.Use, p.transport.Use)
	}
	return nil
}

// add gives the element a slot and makes it selectable.
func (p *pool) add(e *element) {
	if n := len(p.free); n > 0 {
		e.slot = p.free[n-1]
		p.free = p.free[:n-1]
		p.slots[e.slot] = e
	} else {
		e.slot = policy.Ref(len(p.slots))
		p.slots = append(p.slots, e)
	}
	p.selector.Insert(e.slot, &e.pe.Policy)
}

// remove frees the element's slot.
func (p *pool) remove(e *element) {
	p.selector.Remove(e.slot)
	p.slots[e.slot] = nil
	p.free = append(p.free, e.slot)
}

// createPool makes the pool whose first element pe is and gives it a number.
func (s *Space) createPool(handle []byte, pe *wire.PoolElement) *pool {
	p := &pool{
		handle: string(handle), policy: pe.Policy, transport: pe.User,
		selector: policy.New(pe.Policy.Type, s.random), sum: blockSum(handle),
	}
	p.policy.Data = nil // belongs to the element; answers need not grow by it
	if n := len(s.freeNumbers); n > 0 {
		p.number = s.freeNumbers[n-1]
		s.freeNumbers = s.freeNumbers[:n-1]
		s.table[p.number] = p
	} else {
		p.number = uint32(len(s.table))
		s.table = append(s.table, p)
	}
	s.pools[p.handle] = p
	return p
}

// deletePool forgets a pool without elements.
func (s *Space) deletePool(p *pool) {
	delete(s.pools, p.handle)
	s.table[p.number] = nil
	s.freeNumbers = append(s.freeNumbers, p.number)
}
