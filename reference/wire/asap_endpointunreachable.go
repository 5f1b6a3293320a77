// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// EndpointUnreachable reports a pool element that cannot be reached (RFC 5352
// section 2.2.9).
type EndpointUnreachable struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*EndpointUnreachable) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointUnreachable) Type() uint8 { return TypeEndpointUnreachable }

// Name returns the RFC's name.
func (*EndpointUnreachable) Name() string { return messageNames[ASAP][TypeEndpointUnreachable] }

// Decode reads one message, see [Message].
func (m *EndpointUnreachable) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeEndpointUnreachable, &m.skipped)
	r.target(&s, &m.PoolHandle, &m.PEID, nil)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *EndpointUnreachable) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeEndpointUnreachable, 0)
	w.target(m.PoolHandle, m.PEID, nil)
	return w.finish(dst)
}

func (m *EndpointUnreachable) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	return &c
}
