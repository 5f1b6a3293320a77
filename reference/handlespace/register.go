// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Outcome is what a granted registration was.
type Outcome uint8

// The outcomes. The zero value goes with an error.
const (
	Created Outcome = iota + 1 // a new element
	Updated                    // a re-registration
)

// String returns "created" or "updated".
func (o Outcome) String() string {
	switch o {
	case Created:
		return "created"
	case Updated:
		return "updated"
	}
	return "none"
}

// Register adds an element, and its pool if that is new, or replaces the
// attributes of the one with this pool handle and identifier (RFC 5352 section
// 3.1 rules 1 to 3, RFC 5353 section 3.3.1). pe names its home server. Its life
// begins at now; all times that a Space sees must lie within a century. owner
// is the identity that registers; "" leaves a known owner as it is. Who may
// register what is the caller's question, see Element.Owner.
//
// Errors leave everything as it was: ErrPolicyMismatch, ErrTransportMismatch and
// ErrUseMismatch if the element is not consistent with its pool, the first that
// applies; ErrFull; ErrInvalid.
func (s *Space) Register(now time.Time, handle []byte, pe *wire.PoolElement, owner string) (Outcome, error) {
	if err := valid(handle, pe); err != nil {
		return 0, err
	}
	p := s.pools[string(handle)]
	var e *element
	if p != nil {
		if err := p.accepts(pe); err != nil {
			return 0, err
		}
		e = s.elements[elementKey(p, pe.ID)]
	}
	if err := s.room(p, e, owner); err != nil {
		return 0, err
	}
	if s.epoch.IsZero() {
		s.epoch = now
	}
	if e != nil {
		s.update(e, now, pe, owner)
		return Updated, nil
	}
	s.create(p, now, handle, pe, owner)
	return Created, nil
}

// room checks the limits for a registration by owner in pool p, nil if it is
// new, of element e, nil if it is new.
func (s *Space) room(p *pool, e *element, owner string) error {
	o := &s.options
	if e == nil {
		switch {
		case o.MaxElements > 0 && len(s.elements) >= o.MaxElements:
			return fmt.Errorf("%w: %d elements", ErrFull, o.MaxElements)
		case p == nil && o.MaxPools > 0 && len(s.pools) >= o.MaxPools:
			return fmt.Errorf("%w: %d pools", ErrFull, o.MaxPools)
		case p != nil && o.MaxPerPool > 0 && p.size() >= o.MaxPerPool:
			return fmt.Errorf("%w: %d elements in the pool", ErrFull, o.MaxPerPool)
		}
	}
	if o.MaxPerOwner == 0 || owner == "" || e != nil && e.owner != nil && e.owner.name == owner {
		return nil
	}
	if w := s.owners[owner]; w != nil && w.elements >= o.MaxPerOwner {
		return fmt.Errorf("%w: %d elements of %q", ErrFull, o.MaxPerOwner, owner)
	}
	return nil
}

func (s *Space) create(p *pool, now time.Time, handle []byte, pe *wire.PoolElement, owner string) {
	e := &element{timer: unscheduled}
	store(&e.pe, pe)
	if p == nil {
		p = s.createPool(handle, &e.pe)
	}
	e.pool = p
	p.add(e)
	s.elements[elementKey(p, pe.ID)] = e
	s.settle(e)
	s.assign(e, owner)
	s.schedule(e, now)
}

func (s *Space) update(e *element, now time.Time, pe *wire.PoolElement, owner string) {
	moved := e.pe.Home != pe.Home
	store(&e.pe, pe)
	e.pool.selector.Update(e.slot, &e.pe.Policy)
	if moved {
		s.leave(e)
		s.settle(e)
	}
	if owner != "" {
		s.assign(e, owner)
	}
	s.schedule(e, now)
	e.marked = false
}

// assign makes the identity the owner of the element, "" for none.
func (s *Space) assign(e *element, name string) {
	if e.owner != nil {
		if e.owner.name == name {
			return
		}
		if e.owner.elements--; e.owner.elements == 0 {
			delete(s.owners, e.owner.name)
		}
		e.owner = nil
	}
	if name == "" {
		return
	}
	o := s.owners[name]
	if o == nil {
		o = &owner{name: name}
		s.owners[name] = o
	}
	o.elements++
	e.owner = o
}

// Deregister removes an element, and its pool with the last one (RFC 5352
// section 3.2), and returns what it was. An element that is not there is none.
func (s *Space) Deregister(handle []byte, id wire.PEID) (Element, bool) {
	e := s.find(handle, id)
	if e == nil {
		return Element{}, false
	}
	was := s.view(e)
	s.remove(e)
	return was, true
}

// remove takes the element out of every structure.
func (s *Space) remove(e *element) {
	p := e.pool
	p.remove(e)
	delete(s.elements, elementKey(p, e.pe.ID))
	s.leave(e)
	s.assign(e, "")
	s.timers.remove(e)
	if p.size() == 0 {
		s.deletePool(p)
	}
}
