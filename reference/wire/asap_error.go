// SPDX-License-Identifier: Apache-2.0

package wire

// ASAPError reports unknown messages or parameters and other errors (RFC 5352
// section 2.2.14).
type ASAPError struct {
	Causes []Cause

	skipped
}

// Protocol returns ASAP.
func (*ASAPError) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*ASAPError) Type() uint8 { return TypeASAPError }

// Name returns the RFC's name.
func (*ASAPError) Name() string { return messageNames[ASAP][TypeASAPError] }

// Decode reads one message, see [Message].
func (m *ASAPError) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeASAPError, &m.skipped)
	r.onlyCauses(&s, &m.Causes)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *ASAPError) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeASAPError, 0)
	w.causes(m.Causes)
	return w.finish(dst)
}

func (m *ASAPError) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Causes = cloneCauses(m.Causes)
	return &c
}

// onlyCauses decodes the one parameter of both error messages.
func (r *reader) onlyCauses(s *span, dst *[]Cause) {
	*dst = (*dst)[:0]
	for t, ok := r.next(s); ok; t, ok = r.next(s) {
		if t.typ != ParameterOperationError {
			r.extra(t)
		} else if r.single(s, 1, t) {
			*dst = r.causes(t, *dst)
		}
	}
	r.require(s, 1, ParameterOperationError)
}
