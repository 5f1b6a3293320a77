// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// Cookie carries a pool element's state to a pool user (RFC 5352 section
// 2.2.11).
type Cookie struct {
	Value []byte

	skipped
}

// Protocol returns ASAP.
func (*Cookie) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Cookie) Type() uint8 { return TypeCookie }

// Name returns the RFC's name.
func (*Cookie) Name() string { return messageNames[ASAP][TypeCookie] }

// Decode reads one message, see [Message].
func (m *Cookie) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeCookie, &m.skipped)
	r.cookie(&s, &m.Value)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *Cookie) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeCookie, 0)
	w.cookie(m.Value)
	return w.finish(dst)
}

func (m *Cookie) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Value = slices.Clone(m.Value)
	return &c
}

// cookie decodes the one parameter of both cookie messages.
func (r *reader) cookie(s *span, dst *[]byte) {
	for t, ok := r.next(s); ok; t, ok = r.next(s) {
		if t.typ != ParameterCookie {
			r.extra(t)
		} else if r.single(s, 1, t) {
			*dst = r.value(t)
			if r.o.AlignedCookie && len(*dst)%4 != 0 {
				r.fail(t.at, "cookie", "size", uint64(len(*dst)), ErrLength)
			}
		}
	}
	r.require(s, 1, ParameterCookie)
}

// cookie encodes the one parameter of both cookie messages.
func (w *writer) cookie(value []byte) {
	if w.o.AlignedCookie && len(value)%4 != 0 {
		w.fail("cookie", "size", uint64(len(value)), ErrLength)
	}
	w.bytes(ParameterCookie, "cookie", value)
}
