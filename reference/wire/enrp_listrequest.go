// SPDX-License-Identifier: Apache-2.0

package wire

// ListRequest asks for the known servers (RFC 5353 section 2.5).
type ListRequest struct {
	Sender, Receiver ServerID

	skipped
}

// Protocol returns ENRP.
func (*ListRequest) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ListRequest) Type() uint8 { return TypeListRequest }

// Name returns the RFC's name.
func (*ListRequest) Name() string { return messageNames[ENRP][TypeListRequest] }

// Decode reads one message, see [Message].
func (m *ListRequest) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeListRequest, &m.skipped)
	r.peers(&s, &m.Sender, &m.Receiver)
	r.empty(&s)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *ListRequest) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeListRequest, 0)
	w.peers(m.Sender, m.Receiver)
	return w.finish(dst)
}

func (m *ListRequest) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	return &c
}
