// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"slices"
)

// writer builds a message at the end of b. Its first error sticks; callers
// check once, in finish.
type writer struct {
	b        []byte
	start    int // of the message in b
	o        *Options
	protocol Protocol
	typ      uint8
	err      *EncodeError
}

// typicalMessage is room for a message with one pool element.
const typicalMessage = 128

// begin writes the common header.
func (w *writer) begin(dst []byte, o *Options, p Protocol, typ, flags uint8) {
	*w = writer{b: slices.Grow(dst, typicalMessage), start: len(dst), o: o.orStrict(), protocol: p, typ: typ}
	w.b = append(w.b, typ, flags, 0, 0)
}

// finish sets the Message Length, pads and returns the message, or dst and the error.
func (w *writer) finish(dst []byte) ([]byte, error) {
	w.close(w.start, "message")
	w.pad()
	if w.err != nil {
		return dst, w.err
	}
	return w.b, nil
}

// open starts a parameter and returns its offset, for end or close.
func (w *writer) open(typ ParameterType) int {
	w.pad()
	mark := len(w.b)
	w.word16(typ)
	w.word16(0)
	return mark
}

// end sets the length of the parameter that starts at mark.
func (w *writer) end(mark int, element string) {
	n := len(w.b) - mark
	if n > MaxMessageLength {
		w.fail(element, "length", uint64(n), ErrTooLarge)
		w.b = w.b[:mark] // so that many such parameters do not pile up
		return
	}
	binary.BigEndian.PutUint16(w.b[mark+2:], uint16(n))
}

// bytes writes a parameter, or an error cause, whose value is value.
func (w *writer) bytes(typ ParameterType, element string, value []byte) {
	if len(value) > MaxMessageLength-HeaderLength {
		w.fail(element, "size", uint64(len(value)), ErrTooLarge)
		return
	}
	mark := w.open(typ)
	w.b = append(w.b, value...)
	w.end(mark, element)
}

// close is end for an element whose last content is a parameter.
func (w *writer) close(mark int, element string) {
	if w.o.FinalPadding == PaddingIncluded {
		w.pad()
	}
	w.end(mark, element)
}

// pad brings the message to a multiple of 4.
func (w *writer) pad() {
	for (len(w.b)-w.start)%4 != 0 {
		w.b = append(w.b, 0)
	}
}

func (w *writer) word16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }

func (w *writer) word(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

// server writes the ID of one server, which is never 0 (RFC 5353 section 2.1).
func (w *writer) server(id ServerID, field string) {
	if id == 0 && !w.o.ReservedValues {
		w.fail("message", field, 0, ErrValue)
	}
	w.word(uint32(id))
}

// peers writes the two IDs that all ENRP messages start with.
func (w *writer) peers(sender, receiver ServerID) {
	w.server(sender, "sender's ID")
	w.word(uint32(receiver))
}

// count refuses more than n elements, and none at all if there must be one.
func (w *writer) count(element string, have, n int, atLeastOne bool) bool {
	switch {
	case have > n:
		w.fail(element, "count", uint64(have), ErrTooLarge)
	case have == 0 && atLeastOne && !w.o.LooseContent:
		w.fail(element, "count", 0, ErrMissing)
	default:
		return true
	}
	return false
}

// maxElements is the limit of elements in one message.
func (w *writer) maxElements() int { return limit(w.o.MaxElements, DefaultMaxElements) }

// fail records the first error.
//
//go:noinline
func (w *writer) fail(element, field string, value uint64, err error) {
	if w.err == nil {
		w.err = &EncodeError{Protocol: w.protocol, Type: w.typ, Element: element, Field: field, Value: value, Err: err}
	}
}

// flagIf returns the flag if on.
func flagIf(on bool, flag uint8) uint8 {
	if on {
		return flag
	}
	return 0
}
