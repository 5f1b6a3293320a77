// SPDX-License-Identifier: Apache-2.0

package wire

import "strconv"

// PoolHandle names a pool: any bytes, at least one (RFC 5354 section 3.9).
type PoolHandle []byte

// String returns the handle with everything unprintable escaped as in a Go
// string, so that a hostile handle cannot disturb a log line or a terminal.
func (h PoolHandle) String() string {
	q := strconv.QuoteToASCII(string(h))
	return q[1 : len(q)-1]
}

// handle decodes a pool handle parameter.
func (r *reader) handle(t tlv) PoolHandle {
	n := t.end - t.pos
	if n == 0 {
		r.fail(t.at, "pool handle", "length", HeaderLength, ErrLength)
		return nil
	}
	if r.o.MaxPoolHandle > 0 && n > r.o.MaxPoolHandle {
		r.fail(t.at, "pool handle", "size", uint64(n), ErrTooLarge)
		return nil
	}
	return PoolHandle(r.value(t))
}

// handle encodes a pool handle parameter.
func (w *writer) handle(h PoolHandle) {
	switch {
	case len(h) == 0:
		w.fail("pool handle", "", 0, ErrMissing)
		return
	case w.o.MaxPoolHandle > 0 && len(h) > w.o.MaxPoolHandle:
		w.fail("pool handle", "size", uint64(len(h)), ErrTooLarge)
		return
	}
	w.bytes(ParameterPoolHandle, "pool handle", h)
}
