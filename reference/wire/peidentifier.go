// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// word32 decodes a parameter whose value is one 32 bit number.
func (r *reader) word32(t tlv) uint32 {
	if t.end-t.pos != 4 {
		r.fail(t.at, ParameterName(t.typ), "length", uint64(t.end-t.at), ErrLength)
		return 0
	}
	return binary.BigEndian.Uint32(r.b[t.pos:])
}

// word32 encodes a parameter whose value is one 32 bit number, such as the PE
// Identifier (RFC 5354 section 3.14).
func (w *writer) word32(typ ParameterType, v uint32) {
	mark := w.open(typ)
	w.word(v)
	w.end(mark, ParameterName(typ))
}
