// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// LifeInfinite is the registration life that never ends (RFC 5354 section 3.10).
const LifeInfinite int32 = -1

// PoolElement describes one pool element (RFC 5354 section 3.10).
type PoolElement struct {
	ID PEID
	// Home is the server that owns the pool element, 0 if undetermined.
	Home ServerID
	// Life is the registration life in seconds, LifeInfinite for no end.
	Life   int32
	User   Transport
	Policy Policy
	// ASAP is where the pool element takes ASAP messages; always SCTP. It is
	// filled in by the server (RFC 5352 section 3.1) and present if HasASAP.
	ASAP    Transport
	HasASAP bool
	// SignedPolicy is the value of a signed policy parameter, at most MaxSignedPolicy
	// octets, empty without one. It is carried as it is; see ParseSignedPolicy.
	SignedPolicy []byte
}

// Positions of the parameters in a pool element.
const (
	inElementUser = 1 << iota
	inElementPolicy
	inElementASAP
	inElementSigned
)

// elementFixed is the length of the fields before a pool element's parameters.
const elementFixed = 12

// element decodes a Pool Element parameter.
func (r *reader) element(t tlv, dst *PoolElement) {
	s := span{pos: t.pos, end: t.end, extension: ParameterSignedPolicy, extensions: 1}
	if s.end-s.pos < elementFixed {
		r.fail(t.at, "pool element", "length", uint64(t.end-t.at), ErrLength)
		return
	}
	dst.ID = PEID(binary.BigEndian.Uint32(r.b[s.pos:]))
	dst.Home = ServerID(binary.BigEndian.Uint32(r.b[s.pos+4:]))
	dst.Life = r.life(t, binary.BigEndian.Uint32(r.b[s.pos+8:]))
	dst.HasASAP, dst.SignedPolicy = false, nil
	s.pos += elementFixed
	for p, ok := r.next(&s); ok; p, ok = r.next(&s) {
		r.elementPart(&s, p, dst)
	}
	if !dst.HasASAP {
		dst.ASAP = Transport{Addrs: dst.ASAP.Addrs[:0]}
	}
	r.require(&s, inElementUser, ParameterSCTP)
	r.require(&s, inElementPolicy, ParameterPolicy)
	if r.o.CompleteElements && r.protocol == ENRP {
		r.complete(t, dst)
	}
}

// elementPart decodes one parameter of a pool element. The first transport is
// the user transport, a second one the ASAP transport.
func (r *reader) elementPart(s *span, t tlv, dst *PoolElement) {
	switch {
	case t.typ == ParameterPolicy:
		if r.single(s, inElementPolicy, t) {
			r.policy(t, &dst.Policy)
		}
	case isTransport(t.typ) && s.seen&inElementUser == 0:
		if r.single(s, inElementUser, t) {
			r.transport(t, &dst.User)
		}
	case t.typ == ParameterSCTP:
		if r.single(s, inElementASAP, t) {
			r.transport(t, &dst.ASAP)
			dst.HasASAP = true
		}
	case t.typ == ParameterSignedPolicy:
		if r.single(s, inElementSigned, t) {
			dst.SignedPolicy = r.signedPolicy(t)
		}
	default:
		r.extra(t)
	}
}

// complete refuses what rsplib refuses in pool elements from another server.
func (r *reader) complete(t tlv, e *PoolElement) {
	if !e.HasASAP {
		r.fail(t.at, "pool element", "ASAP transport", 0, ErrMissing)
	}
	if e.Home == 0 {
		r.fail(t.at, "pool element", "home server", 0, ErrValue)
	}
}

// millisecondsPerSecond converts between rsplib's registration life and the RFC's.
const millisecondsPerSecond = 1000

// life interprets the registration life.
func (r *reader) life(t tlv, v uint32) int32 {
	if r.o.LifeMilliseconds {
		if v == math.MaxUint32 {
			return LifeInfinite
		}
		return int32((uint64(v) + millisecondsPerSecond - 1) / millisecondsPerSecond)
	}
	life := int32(v)
	if life < LifeInfinite && !r.o.ReservedValues {
		r.fail(t.at, "pool element", "registration life", uint64(v), ErrValue)
	}
	return life
}

// element encodes a Pool Element parameter.
func (w *writer) element(e *PoolElement) {
	mark := w.open(ParameterPoolElement)
	w.word(uint32(e.ID))
	w.word(uint32(e.Home))
	w.word(w.life(e.Life))
	w.transport(&e.User)
	w.policy(&e.Policy)
	if e.HasASAP {
		if e.ASAP.Kind != TransportSCTP {
			w.fail("pool element", "ASAP transport kind", uint64(e.ASAP.Kind), ErrValue)
		}
		w.transport(&e.ASAP)
	}
	w.signedPolicy(e.SignedPolicy)
	if w.o.CompleteElements && w.protocol == ENRP {
		if !e.HasASAP {
			w.fail("pool element", "ASAP transport", 0, ErrMissing)
		}
		if e.Home == 0 {
			w.fail("pool element", "home server", 0, ErrValue)
		}
	}
	w.close(mark, "pool element")
}

// elements encodes pool elements up to the first error.
func (w *writer) elements(list []PoolElement) {
	for i := range list {
		if w.err == nil {
			w.element(&list[i])
		}
	}
}

// life returns the registration life for the wire.
func (w *writer) life(life int32) uint32 {
	if life < LifeInfinite && !w.o.ReservedValues {
		w.fail("pool element", "registration life", uint64(uint32(life)), ErrValue)
	}
	if !w.o.LifeMilliseconds {
		return uint32(life)
	}
	if life < 0 {
		return math.MaxUint32
	}
	return uint32(min(int64(life)*millisecondsPerSecond, math.MaxUint32-1)) // the greatest is infinite
}

// clone returns a deep copy.
func (e *PoolElement) clone() PoolElement {
	c := *e
	c.User, c.Policy, c.ASAP = e.User.clone(), e.Policy.clone(), e.ASAP.clone()
	c.SignedPolicy = slices.Clone(e.SignedPolicy)
	return c
}

// cloneElements returns a deep copy.
func cloneElements(list []PoolElement) []PoolElement {
	c := slices.Clone(list)
	for i := range c {
		c[i] = list[i].clone()
	}
	return c
}
