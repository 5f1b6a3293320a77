// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"errors"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// search looks for an element that has not been tried.
type search struct {
	s     *Session
	avoid map[wire.PEID]bool
	entry *entry // nil: not looked up yet
	asked bool   // the entry is the answer to a request that this search made
	last  error  // why the last one was not taken
}

// next returns an element: by the last business card, then by the policy of the
// pool. Only when the cache has none left is the registrar asked again.
func (f *search) next(ctx context.Context) (wire.PoolElement, error) {
	for {
		if f.entry != nil {
			if e, ok := f.pick(); ok {
				f.avoid[e.ID] = true
				return e, nil
			}
			if f.asked {
				none := fmt.Errorf("%w: none left of %d in %q", ErrNoElement, len(f.entry.elements), f.s.pool)
				return wire.PoolElement{}, errors.Join(none, f.last)
			}
		}
		entry, hit, err := f.s.u.lookUp(ctx, f.s.pool, f.entry != nil)
		if err != nil {
			return wire.PoolElement{}, errors.Join(err, f.last)
		}
		f.entry, f.asked = entry, !hit
	}
}

func (f *search) pick() (wire.PoolElement, bool) {
	f.s.mu.Lock()
	prefer := append([]wire.PEID(nil), f.s.prefer...)
	f.s.mu.Unlock()
	f.s.u.mu.Lock()
	defer f.s.u.mu.Unlock()
	for _, id := range prefer {
		if e := f.entry.find(id, f.avoid); e != nil {
			return *e, true
		}
	}
	if e := f.entry.choose(f.avoid); e != nil {
		return *e, true
	}
	return wire.PoolElement{}, false
}
