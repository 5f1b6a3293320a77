// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// Raw builds messages and parameters that may be wrong in any way, for
// attackers and for tests. Its methods change the receiver and return it, so
// that calls can be chained; Bytes never fails. Nothing is checked: lengths and
// padding are right unless overridden, and lengths are cut to 16 bits. A Raw
// must not be part of itself.
type Raw struct {
	kind     rawKind
	typ      uint16
	flags    uint8
	length   *uint16 // override
	delta    int     // added to the length
	covered  bool    // length includes the last part's padding
	value    []byte  // of rawBytes
	parts    []*Raw
	padding  []byte // replaces the padding if padded
	padded   bool
	trailing []byte
}

type rawKind uint8

const (
	rawBytes rawKind = iota
	rawMessage
	rawParameter
)

// RawMessage starts a message of any type.
func RawMessage(typ uint8) *Raw { return &Raw{kind: rawMessage, typ: uint16(typ)} }

// RawParameter starts a parameter of any type. Error causes have the same form.
func RawParameter(typ ParameterType) *Raw { return &Raw{kind: rawParameter, typ: typ} }

// RawBytes is a piece without header, length and padding.
func RawBytes(b ...byte) *Raw { return &Raw{kind: rawBytes, value: b} }

// Flags sets the flags octet of a message.
func (r *Raw) Flags(f uint8) *Raw {
	r.flags = f
	return r
}

// Length overrides the length field.
func (r *Raw) Length(n uint16) *Raw {
	r.length = &n
	return r
}

// AddLength makes the length field wrong by n.
func (r *Raw) AddLength(n int) *Raw {
	r.delta += n
	return r
}

// CoverPadding makes the length field include the padding of the last part, as
// rsplib does.
func (r *Raw) CoverPadding() *Raw {
	r.covered = true
	return r
}

// Put appends bytes to the value.
func (r *Raw) Put(b ...byte) *Raw { return r.Add(RawBytes(b...)) }

// Put16 appends a 16 bit number to the value.
func (r *Raw) Put16(v uint16) *Raw { return r.Put(binary.BigEndian.AppendUint16(nil, v)...) }

// Put32 appends a 32 bit number to the value.
func (r *Raw) Put32(v uint32) *Raw { return r.Put(binary.BigEndian.AppendUint32(nil, v)...) }

// Add appends parts, usually parameters, to the value.
func (r *Raw) Add(parts ...*Raw) *Raw {
	r.parts = append(r.parts, parts...)
	return r
}

// Padding replaces the padding that brings the element to a multiple of 4;
// without arguments there is none.
func (r *Raw) Padding(b ...byte) *Raw {
	r.padding, r.padded = b, true
	return r
}

// Trailing appends bytes after the padding that no length field counts.
func (r *Raw) Trailing(b ...byte) *Raw {
	r.trailing = append(r.trailing, b...)
	return r
}

// Bytes returns the built bytes.
func (r *Raw) Bytes() []byte {
	b, _ := r.append(nil)
	return b
}

// append appends the element to dst and returns how many bytes at the end are
// padding or trailing, which the enclosing length does not count.
func (r *Raw) append(dst []byte) (b []byte, uncounted int) {
	start := len(dst)
	switch r.kind {
	case rawMessage:
		dst = append(dst, uint8(r.typ), r.flags, 0, 0)
	case rawParameter:
		dst = binary.BigEndian.AppendUint16(dst, r.typ)
		dst = append(dst, 0, 0)
	case rawBytes:
		dst = append(dst, r.value...)
	}
	for _, p := range r.parts {
		dst, uncounted = p.append(dst)
	}
	length := len(dst) - start - uncounted
	if r.covered {
		length = pad4(len(dst) - start)
	}
	unpadded := len(dst)
	if r.padded {
		dst = append(dst[:unpadded-uncounted], r.padding...)
		uncounted = len(r.padding)
	} else if r.kind != rawBytes {
		for (len(dst)-start)%HeaderLength != 0 {
			dst = append(dst, 0)
		}
		uncounted += len(dst) - unpadded
	}
	dst = append(dst, r.trailing...)
	if r.kind != rawBytes {
		if r.length != nil {
			length = int(*r.length)
		}
		binary.BigEndian.PutUint16(dst[start+2:], uint16(length+r.delta))
	}
	return dst, uncounted + len(r.trailing)
}
