// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Element is a pool element as registered.
type Element struct {
	// Handle is the handle of its pool.
	Handle string
	// PE is what was registered. Its slices are read-only.
	PE wire.PoolElement
	// Owner is the identity that registered it last, "" if none is known.
	Owner string
	// Expires is when its registration life ends, zero for never.
	Expires time.Time
}

// element is an Element with its places in the structures of a Space.
type element struct {
	pe      wire.PoolElement
	pool    *pool
	home    *home
	owner   *owner        // nil for none
	expires time.Duration // since Space.epoch, or never
	timer   uint32        // in Space.timers, or unscheduled
	slot    policy.Ref    // index in pool.slots
	marked  bool          // see Space.Mark
}

// owner counts the elements of one identity.
type owner struct {
	name     string
	elements int
}

// key identifies an element: number of the pool, then the PE identifier. One map
// for all pools is smaller than one map each.
type key uint64

func elementKey(p *pool, id wire.PEID) key { return key(p.number)<<32 | key(id) }

// view returns the element for the outside.
func (s *Space) view(e *element) Element {
	v := Element{Handle: e.pool.handle, PE: e.pe}
	if e.owner != nil {
		v.Owner = e.owner.name
	}
	if e.expires != never {
		v.Expires = s.epoch.Add(e.expires)
	}
	return v
}

// valid checks what does not depend on the rest of the handlespace.
func valid(handle []byte, pe *wire.PoolElement) error {
	switch {
	case len(handle) == 0:
		return fmt.Errorf("%w: empty pool handle", ErrInvalid)
	case pe.Life < wire.LifeInfinite:
		return fmt.Errorf("%w: registration life %d s", ErrInvalid, pe.Life)
	case pe.User.Kind == 0:
		return fmt.Errorf("%w: no user transport", ErrInvalid)
	case !pe.Policy.Type.Known() && !pe.Policy.Type.Private():
		// It could not be told to anybody: no message with a reserved type may be sent.
		return fmt.Errorf("%w: policy type 0x%x is reserved", ErrInvalid, uint32(pe.Policy.Type))
	}
	if n := handleSize(len(handle)) + EncodedSize(pe); n > maxEntry {
		return fmt.Errorf("%w: pool handle and element take %d bytes of at most %d", ErrInvalid, n, maxEntry)
	}
	return nil
}

// store copies src to dst, which holds the former version or nothing. Slices of
// the former version stay if they are right and are never written to: others
// may have them.
func store(dst, src *wire.PoolElement) {
	old := *dst
	*dst = *src
	if !src.HasASAP {
		dst.ASAP = wire.Transport{}
	}
	if slices.Equal(old.User.Addrs, dst.User.Addrs) && slices.Equal(old.ASAP.Addrs, dst.ASAP.Addrs) {
		dst.User.Addrs, dst.ASAP.Addrs = old.User.Addrs, old.ASAP.Addrs
	} else {
		users := len(dst.User.Addrs)
		// One allocation, as they are mostly used together, without room to append.
		both := slices.Clip(slices.Concat(dst.User.Addrs, dst.ASAP.Addrs))
		dst.User.Addrs, dst.ASAP.Addrs = both[:users:users], both[users:]
	}
	dst.User.Opaque = keep(old.User.Opaque, src.User.Opaque)
	dst.ASAP.Opaque = keep(old.ASAP.Opaque, dst.ASAP.Opaque)
	dst.Policy.Data = keep(old.Policy.Data, src.Policy.Data)
	dst.SignedPolicy = keep(old.SignedPolicy, src.SignedPolicy)
}

// keep returns old if it equals now, else a copy of now.
func keep(old, now []byte) []byte {
	if bytes.Equal(old, now) {
		return old
	}
	return slices.Clip(slices.Clone(now))
}
