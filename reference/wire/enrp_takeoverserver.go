// SPDX-License-Identifier: Apache-2.0

package wire

// TakeoverServer declares a takeover done (RFC 5353 section 2.9).
type TakeoverServer struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*TakeoverServer) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*TakeoverServer) Type() uint8 { return TypeTakeoverServer }

// Name returns the RFC's name.
func (*TakeoverServer) Name() string { return messageNames[ENRP][TypeTakeoverServer] }

// Decode reads one message, see [Message].
func (m *TakeoverServer) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeTakeoverServer, &m.skipped)
	r.takeover(&s, &m.Sender, &m.Receiver, &m.Target)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *TakeoverServer) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeTakeoverServer, 0)
	w.takeover(m.Sender, m.Receiver, m.Target)
	return w.finish(dst)
}

func (m *TakeoverServer) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	return &c
}
