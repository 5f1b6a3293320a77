// SPDX-License-Identifier: Apache-2.0

package wire

// InitTakeoverAck agrees to a takeover (RFC 5353 section 2.8).
type InitTakeoverAck struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*InitTakeoverAck) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*InitTakeoverAck) Type() uint8 { return TypeInitTakeoverAck }

// Name returns the RFC's name.
func (*InitTakeoverAck) Name() string { return messageNames[ENRP][TypeInitTakeoverAck] }

// Decode reads one message, see [Message].
func (m *InitTakeoverAck) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeInitTakeoverAck, &m.skipped)
	r.takeover(&s, &m.Sender, &m.Receiver, &m.Target)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *InitTakeoverAck) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeInitTakeoverAck, 0)
	w.takeover(m.Sender, m.Receiver, m.Target)
	return w.finish(dst)
}

func (m *InitTakeoverAck) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	return &c
}
