// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// RegistrationResponse answers a Registration (RFC 5352 section 2.2.3).
type RegistrationResponse struct {
	// Reject is the R flag. Without it, causes are only a warning.
	Reject     bool
	PoolHandle PoolHandle
	PEID       PEID
	// Causes is empty if there is no Operation Error parameter.
	Causes []Cause

	skipped
}

// Protocol returns ASAP.
func (*RegistrationResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*RegistrationResponse) Type() uint8 { return TypeRegistrationResponse }

// Name returns the RFC's name.
func (*RegistrationResponse) Name() string { return messageNames[ASAP][TypeRegistrationResponse] }

// Decode reads one message, see [Message].
func (m *RegistrationResponse) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeRegistrationResponse, &m.skipped)
	m.Reject = r.flag(flagReject)
	r.target(&s, &m.PoolHandle, &m.PEID, &m.Causes)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *RegistrationResponse) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeRegistrationResponse, flagIf(m.Reject, flagReject))
	w.target(m.PoolHandle, m.PEID, m.Causes)
	return w.finish(dst)
}

func (m *RegistrationResponse) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Causes = cloneCauses(m.Causes)
	return &c
}
