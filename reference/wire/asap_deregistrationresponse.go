// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// DeregistrationResponse answers a Deregistration or tells that the
// registration has expired. There is no reject flag: causes mean refusal (RFC
// 5352 section 2.2.4).
type DeregistrationResponse struct {
	PoolHandle PoolHandle
	PEID       PEID
	Causes     []Cause

	skipped
}

// Protocol returns ASAP.
func (*DeregistrationResponse) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*DeregistrationResponse) Type() uint8 { return TypeDeregistrationResponse }

// Name returns the RFC's name.
func (*DeregistrationResponse) Name() string { return messageNames[ASAP][TypeDeregistrationResponse] }

// Decode reads one message, see [Message].
func (m *DeregistrationResponse) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeDeregistrationResponse, &m.skipped)
	r.target(&s, &m.PoolHandle, &m.PEID, &m.Causes)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *DeregistrationResponse) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeDeregistrationResponse, 0)
	w.target(m.PoolHandle, m.PEID, m.Causes)
	return w.finish(dst)
}

func (m *DeregistrationResponse) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Causes = cloneCauses(m.Causes)
	return &c
}
