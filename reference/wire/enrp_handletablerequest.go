// SPDX-License-Identifier: Apache-2.0

package wire

// HandleTableRequest asks for a copy of the handlespace (RFC 5353 section
// 2.2).
type HandleTableRequest struct {
	Sender, Receiver ServerID
	// OwnChildrenOnly is the W flag: only what the receiver owns.
	OwnChildrenOnly bool

	skipped
}

// Protocol returns ENRP.
func (*HandleTableRequest) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*HandleTableRequest) Type() uint8 { return TypeHandleTableRequest }

// Name returns the RFC's name.
func (*HandleTableRequest) Name() string { return messageNames[ENRP][TypeHandleTableRequest] }

// Decode reads one message, see [Message].
func (m *HandleTableRequest) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeHandleTableRequest, &m.skipped)
	m.OwnChildrenOnly = r.flag(flagOwnChildren)
	r.peers(&s, &m.Sender, &m.Receiver)
	r.empty(&s)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *HandleTableRequest) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeHandleTableRequest, flagIf(m.OwnChildrenOnly, flagOwnChildren))
	w.peers(m.Sender, m.Receiver)
	return w.finish(dst)
}

func (m *HandleTableRequest) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	return &c
}

// flagOwnChildren is the W flag.
const flagOwnChildren = 0x01
