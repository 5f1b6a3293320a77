// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// causes decodes an Operation Error parameter (RFC 5354 section 3.12).
func (r *reader) causes(t tlv, dst []Cause) []Cause {
	s := span{pos: t.pos, end: t.end}
	if s.pos == s.end {
		if !r.o.LooseContent {
			r.fail(t.at, "operation error", "length", HeaderLength, ErrLength)
		}
		// An error all the same, also for who looks whether there are causes.
		return append(dst, Cause{Code: CauseUnspecified})
	}
	for r.err == nil && s.pos < s.end {
		c, ok := r.header(&s, true)
		if !ok {
			break
		}
		if len(dst) >= limit(r.o.MaxCauses, DefaultMaxCauses) {
			r.fail(c.at, "operation error", "cause count", uint64(len(dst))+1, ErrTooLarge)
			break
		}
		dst = append(dst, Cause{CauseCode(c.typ), r.value(c)})
	}
	return dst
}

// causes encodes an Operation Error parameter.
func (w *writer) causes(list []Cause) {
	if !w.count("operation error", len(list), limit(w.o.MaxCauses, DefaultMaxCauses), true) {
		return
	}
	mark := w.open(ParameterOperationError)
	for i := range list {
		if c := &list[i]; c.legal(w.o) {
			w.bytes(ParameterType(c.Code), "cause", c.Info)
		} else {
			w.fail("operation error", "cause", uint64(c.Code), ErrValue)
		}
	}
	w.close(mark, "operation error")
}

// cloneCauses returns a deep copy.
func cloneCauses(list []Cause) []Cause {
	c := slices.Clone(list)
	for i := range c {
		c[i].Info = slices.Clone(list[i].Info)
	}
	return c
}
