// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// search looks for an element that has not been tried.
type search struct {
	s     *Session
	avoid map[wire.PEID]bool
	entry *entry // nil: not looked up yet
	asked bool   // the entry is the answer to a request that this search made
	last  error  // why the last one was not taken

	draws   *policy.Draws // nil: none from the entry so far
	counter uint32        // of the draws
}

// next returns an element: by the last business card, then by the policy of the
// pool. Only when the cache has none left is the registrar asked again.
// Under ProveSelection the proof of it comes too, nil when there is none.
func (f *search) next(ctx context.Context) (wire.PoolElement, *wire.SelectionProof, error) {
	for {
		if f.entry != nil {
			if e, proof, ok := f.pick(); ok {
				f.avoid[e.ID] = true
				return e, proof, nil
			}
			if f.asked {
				none := fmt.Errorf("%w: none left of %d in %q", ErrNoElement, len(f.entry.elements), f.s.pool)
				return wire.PoolElement{}, nil, errors.Join(none, f.last)
			}
		}
		entry, hit, err := f.s.u.lookUp(ctx, f.s.pool, f.entry != nil)
		if err != nil {
			return wire.PoolElement{}, nil, errors.Join(err, f.last)
		}
		f.entry, f.asked, f.draws = entry, !hit, nil
	}
}

func (f *search) pick() (wire.PoolElement, *wire.SelectionProof, bool) {
	f.s.mu.Lock()
	prefer := append([]wire.PEID(nil), f.s.prefer...)
	f.s.mu.Unlock()
	f.s.u.mu.Lock()
	defer f.s.u.mu.Unlock()
	if f.entry.provable != nil {
		e, proof := f.drawn()
		if e == nil {
			return wire.PoolElement{}, nil, false
		}
		return *e, proof, true
	}
	for _, id := range prefer {
		if e := f.entry.find(id, f.avoid); e != nil {
			return *e, nil, true
		}
	}
	if e := f.entry.choose(f.avoid); e != nil {
		return *e, nil, true
	}
	return wire.PoolElement{}, nil, false
}
