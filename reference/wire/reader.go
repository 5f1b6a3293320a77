// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"encoding/binary"
)

// reader walks a message. Its first error sticks, and from then on every method
// does nothing and next reports the end, so that callers check once, in done.
type reader struct {
	b        []byte // the message up to its Message Length
	o        *Options
	skipped  *skipped
	protocol Protocol
	typ      uint8
	err      *DecodeError
}

// span is the unread part of an element whose content is parameters. Offsets
// count from the first octet of the message.
type span struct {
	pos, end int
	seen     uint8 // position bits of the parameters read, see single and repeated
	// extension is the first of the extensions types of section 2.17 that are known here.
	extension, extensions ParameterType
}

// tlv is a parameter or error cause: its type, and the offsets of its header,
// its value and the end of its value.
type tlv struct {
	typ          uint16
	at, pos, end int
}

// maxReport is the largest information that a cause can carry in either error
// message: what an ENRP_ERROR leaves beside message header, two server IDs,
// parameter header and cause header.
const maxReport = MaxMessageLength - HeaderLength - 2*4 - HeaderLength - HeaderLength

// begin checks the common header (RFC 5354 section 4) and returns the message's value.
func (r *reader) begin(b []byte, o *Options, p Protocol, typ uint8, s *skipped) span {
	r.o, r.protocol, r.typ, r.skipped = o.orStrict(), p, typ, s
	s.parameters = s.parameters[:0]
	if len(b) < HeaderLength {
		r.fail(0, "message", "header", uint64(len(b)), ErrTruncated)
		return span{}
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case b[0] != typ:
		r.fail(0, "message", "type", uint64(b[0]), ErrValue)
		return span{}
	case n < HeaderLength:
		r.fail(0, "message", "length", uint64(n), ErrLength)
		return span{}
	case n > len(b):
		r.fail(0, "message", "length", uint64(n), ErrTruncated)
		return span{}
	case len(b) < pad4(n) && !r.o.MissingPadding:
		r.fail(n, "message", "padding", uint64(len(b)-n), ErrTruncated)
		return span{}
	case len(b) > pad4(n) && !r.o.TrailingBytes:
		r.fail(pad4(n), "message", "end", uint64(len(b)-pad4(n)), ErrTrailing)
		return span{}
	}
	r.b = b[:n]
	return span{pos: HeaderLength, end: n}
}

// flag reports whether the flag bit is set.
func (r *reader) flag(bit uint8) bool { return r.err == nil && r.b[1]&bit != 0 }

// word reads a fixed 32 bit field.
func (r *reader) word(s *span, field string) uint32 {
	if r.err != nil {
		return 0
	}
	if s.end-s.pos < 4 {
		r.fail(s.pos, "message", field, uint64(s.end-s.pos), ErrTruncated)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b[s.pos:])
	s.pos += 4
	return v
}

// server reads a fixed field with the ID of one server, which is never 0
// (RFC 5353 section 2.1).
func (r *reader) server(s *span, field string) ServerID {
	at := s.pos
	id := ServerID(r.word(s, field))
	if id == 0 && r.err == nil && !r.o.ReservedValues {
		r.fail(at, "message", field, 0, ErrValue)
	}
	return id
}

// peers reads the two IDs that all ENRP messages start with.
func (r *reader) peers(s *span, sender, receiver *ServerID) {
	*sender = r.server(s, "sender's ID")
	*receiver = ServerID(r.word(s, "receiver's ID"))
}

// header reads the header of a parameter or cause and moves s behind its
// padding. Only to be called with s not empty.
func (r *reader) header(s *span, cause bool) (t tlv, ok bool) {
	t.at = s.pos
	if s.end-s.pos < HeaderLength {
		r.fail(s.pos, tlvName(0, cause), "header", uint64(s.end-s.pos), ErrTruncated)
		return t, false
	}
	t.typ = binary.BigEndian.Uint16(r.b[s.pos:])
	n := int(binary.BigEndian.Uint16(r.b[s.pos+2:]))
	t.pos, t.end = t.at+HeaderLength, t.at+n
	switch {
	case n < HeaderLength:
		r.fail(t.at, tlvName(t.typ, cause), "length", uint64(n), ErrLength)
		return t, false
	case t.end > s.end:
		r.fail(t.at, tlvName(t.typ, cause), "length", uint64(n), ErrTruncated)
		return t, false
	}
	s.pos = pad4(t.end)
	if s.pos >= s.end && t.end != s.end {
		// The enclosing length counts all or some of the last padding.
		if s.pos > s.end || r.o.FinalPadding == PaddingExcluded {
			r.fail(t.at, tlvName(t.typ, cause), "padding", uint64(s.end-t.end), ErrLength)
			return t, false
		}
	}
	s.pos = min(s.pos, s.end)
	return t, true
}

// tlvName names what header reads.
func tlvName(typ uint16, cause bool) string {
	if cause {
		return "cause"
	}
	return ParameterName(typ)
}

// next reads the next parameter of known type. The others are handled by the
// four rules of RFC 5354 section 3. ok is false at the end and after an error.
func (r *reader) next(s *span) (t tlv, ok bool) {
	for r.err == nil && s.pos < s.end {
		if t, ok = r.header(s, false); !ok {
			return t, false
		}
		if t.typ-1 < ParameterOpaque || t.typ-s.extension < s.extensions ||
			(t.typ == ParameterHandleResolution && r.o.HandleResolutionOption) {
			return t, true
		}
		r.unknown(t)
	}
	return tlv{}, false
}

// unknown treats a parameter of unknown type by its action bits.
func (r *reader) unknown(t tlv) {
	p := Parameter{t.typ, r.value(t)}
	if !p.Skip() {
		r.fail(t.at, "parameter", "type", uint64(t.typ), ErrUnknownParameter)
		if p.Report() && t.end-t.at <= maxReport {
			r.err.report = &Cause{CauseUnrecognizedParameter, bytes.Clone(r.b[t.at:t.end])}
		}
		return
	}
	if len(r.skipped.parameters) < limit(r.o.MaxUnrecognized, DefaultMaxUnrecognized) {
		r.skipped.parameters = append(r.skipped.parameters, p)
	}
}

// value returns the value of t without a way to append into what follows it.
func (r *reader) value(t tlv) []byte { return r.b[t.pos:t.end:t.end] }

// single admits a parameter that comes once. Its bit stands for its position:
// the bits of later parameters are higher.
func (r *reader) single(s *span, bit uint8, t tlv) bool {
	if s.seen&bit != 0 || (s.seen > bit && !r.o.AnyOrder) {
		r.fail(t.at, ParameterName(t.typ), "", uint64(t.typ), ErrOrder)
		return false
	}
	s.seen |= bit
	return true
}

// repeated admits a parameter that may come n times and has come count times.
func (r *reader) repeated(s *span, bit uint8, t tlv, count, n int) bool {
	if s.seen >= bit<<1 && !r.o.AnyOrder {
		r.fail(t.at, ParameterName(t.typ), "", uint64(t.typ), ErrOrder)
		return false
	}
	if count >= n {
		r.fail(t.at, ParameterName(t.typ), "count", uint64(count)+1, ErrTooLarge)
		return false
	}
	s.seen |= bit
	return true
}

// extra handles a parameter of known type that does not belong here.
func (r *reader) extra(t tlv) {
	if !r.o.ExtraParameters {
		r.fail(t.at, ParameterName(t.typ), "", uint64(t.typ), ErrOrder)
	}
}

// require fails unless the parameter with the position bit has been read.
func (r *reader) require(s *span, bit uint8, typ ParameterType) {
	if s.seen&bit == 0 && r.err == nil {
		r.fail(s.end, ParameterName(typ), "", uint64(typ), ErrMissing)
	}
}

// empty fails unless everything is read: for messages without parameters.
func (r *reader) empty(s *span) {
	for t, ok := r.next(s); ok; t, ok = r.next(s) {
		r.extra(t)
	}
}

// maxElements is the limit of elements in one message.
func (r *reader) maxElements() int { return limit(r.o.MaxElements, DefaultMaxElements) }

// fail records the first error.
//
//go:noinline
func (r *reader) fail(at int, element, field string, value uint64, err error) {
	if r.err == nil {
		r.err = &DecodeError{
			Protocol: r.protocol, Type: r.typ,
			Offset: at, Element: element, Field: field, Value: value, Err: err,
		}
	}
}

// done returns the first error. It exists because a nil *DecodeError is not a nil error.
func (r *reader) done() error {
	if r.err != nil {
		return r.err
	}
	return nil
}

// extend lengthens s by one element and keeps the storage that the element's
// slices had when s was longer before.
func extend[T any](s []T) []T {
	if len(s) < cap(s) {
		return s[:len(s)+1]
	}
	var zero T
	return append(s, zero)
}
