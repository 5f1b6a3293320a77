// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// CookieEcho carries the last cookie of a failed pool element to its successor
// (RFC 5352 section 2.2.12).
type CookieEcho struct {
	Value []byte

	skipped
}

// Protocol returns ASAP.
func (*CookieEcho) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*CookieEcho) Type() uint8 { return TypeCookieEcho }

// Name returns the RFC's name.
func (*CookieEcho) Name() string { return messageNames[ASAP][TypeCookieEcho] }

// Decode reads one message, see [Message].
func (m *CookieEcho) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeCookieEcho, &m.skipped)
	r.cookie(&s, &m.Value)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *CookieEcho) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeCookieEcho, 0)
	w.cookie(m.Value)
	return w.finish(dst)
}

func (m *CookieEcho) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Value = slices.Clone(m.Value)
	return &c
}
