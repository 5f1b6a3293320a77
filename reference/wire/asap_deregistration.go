// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// Deregistration asks a server to remove a pool element (RFC 5352 section
// 2.2.2).
type Deregistration struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*Deregistration) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Deregistration) Type() uint8 { return TypeDeregistration }

// Name returns the RFC's name.
func (*Deregistration) Name() string { return messageNames[ASAP][TypeDeregistration] }

// Decode reads one message, see [Message].
func (m *Deregistration) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeDeregistration, &m.skipped)
	r.target(&s, &m.PoolHandle, &m.PEID, nil)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *Deregistration) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeDeregistration, 0)
	w.target(m.PoolHandle, m.PEID, nil)
	return w.finish(dst)
}

func (m *Deregistration) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	return &c
}
