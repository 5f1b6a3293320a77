// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// EndpointKeepAlive asks a pool element for a sign of life (RFC 5352 section
// 2.2.7).
type EndpointKeepAlive struct {
	// NewHome is the H flag: the sender is the pool element's home from now on.
	NewHome    bool
	Server     ServerID
	PoolHandle PoolHandle
	// PEID is the addressed pool element if HasPEID. The RFC's message cannot
	// name one; rsplib's can. Only with Options.KeepAlivePEID.
	PEID    PEID
	HasPEID bool

	skipped
}

// Protocol returns ASAP.
func (*EndpointKeepAlive) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*EndpointKeepAlive) Type() uint8 { return TypeEndpointKeepAlive }

// Name returns the RFC's name.
func (*EndpointKeepAlive) Name() string { return messageNames[ASAP][TypeEndpointKeepAlive] }

// Decode reads one message, see [Message].
func (m *EndpointKeepAlive) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeEndpointKeepAlive, &m.skipped)
	m.NewHome = r.flag(flagHome)
	m.PEID, m.HasPEID = 0, false
	m.Server = r.server(&s, "server ID")
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		switch {
		case t.typ == ParameterPoolHandle:
			if r.single(&s, inTargetHandle, t) {
				m.PoolHandle = r.handle(t)
			}
		case t.typ == ParameterPEIdentifier && r.o.KeepAlivePEID:
			if r.single(&s, inTargetPEID, t) {
				m.PEID, m.HasPEID = PEID(r.word32(t)), true
			}
		default:
			r.extra(t)
		}
	}
	r.require(&s, inTargetHandle, ParameterPoolHandle)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *EndpointKeepAlive) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeEndpointKeepAlive, flagIf(m.NewHome, flagHome))
	w.server(m.Server, "server ID")
	w.handle(m.PoolHandle)
	if m.HasPEID {
		if !w.o.KeepAlivePEID {
			w.fail("PE identifier", "", uint64(m.PEID), ErrOrder)
		}
		w.word32(ParameterPEIdentifier, uint32(m.PEID))
	}
	return w.finish(dst)
}

func (m *EndpointKeepAlive) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	return &c
}

// flagHome is the H flag.
const flagHome = 0x01
