// SPDX-License-Identifier: Apache-2.0

package wire

// InitTakeover announces the wish to take over the server Target (RFC 5353
// section 2.7).
type InitTakeover struct {
	Sender, Receiver ServerID
	Target           ServerID

	skipped
}

// Protocol returns ENRP.
func (*InitTakeover) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*InitTakeover) Type() uint8 { return TypeInitTakeover }

// Name returns the RFC's name.
func (*InitTakeover) Name() string { return messageNames[ENRP][TypeInitTakeover] }

// Decode reads one message, see [Message].
func (m *InitTakeover) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeInitTakeover, &m.skipped)
	r.takeover(&s, &m.Sender, &m.Receiver, &m.Target)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *InitTakeover) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeInitTakeover, 0)
	w.takeover(m.Sender, m.Receiver, m.Target)
	return w.finish(dst)
}

func (m *InitTakeover) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	return &c
}

// takeover decodes the IDs that the three takeover messages consist of.
func (r *reader) takeover(s *span, sender, receiver, target *ServerID) {
	r.peers(s, sender, receiver)
	*target = r.server(s, "target's ID")
	r.empty(s)
}

// takeover encodes the IDs that the three takeover messages consist of.
func (w *writer) takeover(sender, receiver, target ServerID) {
	w.peers(sender, receiver)
	w.server(target, "target's ID")
}
