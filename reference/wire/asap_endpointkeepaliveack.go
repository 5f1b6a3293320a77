// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// EndpointKeepAliveAck answers an EndpointKeepAlive (RFC 5352 section 2.2.8).
type EndpointKeepAliveAck struct {
	PoolHandle PoolHandle
	PEID       PEID

	skipped
}

// Protocol returns ASAP.
func (*EndpointKeepAliveAck) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointKeepAliveAck) Type() uint8 { return TypeEndpointKeepAliveAck }

// Name returns the RFC's name.
func (*EndpointKeepAliveAck) Name() string { return messageNames[ASAP][TypeEndpointKeepAliveAck] }

// Decode reads one message, see [Message].
func (m *EndpointKeepAliveAck) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeEndpointKeepAliveAck, &m.skipped)
	r.target(&s, &m.PoolHandle, &m.PEID, nil)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *EndpointKeepAliveAck) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeEndpointKeepAliveAck, 0)
	w.target(m.PoolHandle, m.PEID, nil)
	return w.finish(dst)
}

func (m *EndpointKeepAliveAck) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	return &c
}
