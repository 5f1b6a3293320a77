// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// Registration asks a server to add a pool element to a pool (RFC 5352 section
// 2.2.1).
type Registration struct {
	PoolHandle PoolHandle
	Element    PoolElement

	skipped
}

// Protocol returns ASAP.
func (*Registration) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Registration) Type() uint8 { return TypeRegistration }

// Name returns the RFC's name.
func (*Registration) Name() string { return messageNames[ASAP][TypeRegistration] }

// Decode reads one message, see [Message].
func (m *Registration) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeRegistration, &m.skipped)
	r.handleElement(&s, &m.PoolHandle, &m.Element)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *Registration) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeRegistration, 0)
	w.handle(m.PoolHandle)
	w.element(&m.Element)
	return w.finish(dst)
}

func (m *Registration) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Element = m.Element.clone()
	return &c
}

// Positions of the parameters in messages that describe one pool element.
const (
	inPairHandle = 1 << iota
	inPairElement
)

// handleElement decodes a pool handle and a pool element.
func (r *reader) handleElement(s *span, h *PoolHandle, e *PoolElement) {
	for t, ok := r.next(s); ok; t, ok = r.next(s) {
		switch t.typ {
		case ParameterPoolHandle:
			if r.single(s, inPairHandle, t) {
				*h = r.handle(t)
			}
		case ParameterPoolElement:
			if r.single(s, inPairElement, t) {
				r.element(t, e)
			}
		default:
			r.extra(t)
		}
	}
	r.require(s, inPairHandle, ParameterPoolHandle)
	r.require(s, inPairElement, ParameterPoolElement)
}
