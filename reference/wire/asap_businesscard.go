// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// BusinessCard tells the peer the pool and the preferred order of failover
// (RFC 5352 section 2.2.13).
type BusinessCard struct {
	PoolHandle PoolHandle
	Elements   []PoolElement

	skipped
}

// Protocol returns ASAP.
func (*BusinessCard) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*BusinessCard) Type() uint8 { return TypeBusinessCard }

// Name returns the RFC's name.
func (*BusinessCard) Name() string { return messageNames[ASAP][TypeBusinessCard] }

// Decode reads one message, see [Message].
func (m *BusinessCard) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeBusinessCard, &m.skipped)
	m.Elements = m.Elements[:0]
	if r.o.NoBusinessCard {
		r.fail(0, "message", "type", uint64(TypeBusinessCard), ErrValue)
	}
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		switch t.typ {
		case ParameterPoolHandle:
			if r.single(&s, inPairHandle, t) {
				m.PoolHandle = r.handle(t)
			}
		case ParameterPoolElement:
			if r.repeated(&s, inPairElement, t, len(m.Elements), r.maxElements()) {
				m.Elements = extend(m.Elements)
				r.element(t, &m.Elements[len(m.Elements)-1])
			}
		default:
			r.extra(t)
		}
	}
	r.require(&s, inPairHandle, ParameterPoolHandle)
	if !r.o.LooseContent {
		r.require(&s, inPairElement, ParameterPoolElement)
	}
	return r.done()
}

// Append encodes the message, see [Message].
func (m *BusinessCard) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeBusinessCard, 0)
	if w.o.NoBusinessCard {
		w.fail("message", "type", uint64(TypeBusinessCard), ErrValue)
	}
	w.handle(m.PoolHandle)
	if w.count("pool element", len(m.Elements), w.maxElements(), true) {
		w.elements(m.Elements)
	}
	return w.finish(dst)
}

func (m *BusinessCard) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Elements = cloneElements(m.Elements)
	return &c
}
