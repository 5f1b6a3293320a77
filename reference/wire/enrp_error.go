// SPDX-License-Identifier: Apache-2.0

package wire

// ENRPError reports an error to a peer server (RFC 5353 section 2.10).
type ENRPError struct {
	Sender, Receiver ServerID
	Causes           []Cause

	skipped
}

// Protocol returns ENRP.
func (*ENRPError) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ENRPError) Type() uint8 { return TypeENRPError }

// Name returns the RFC's name.
func (*ENRPError) Name() string { return messageNames[ENRP][TypeENRPError] }

// Decode reads one message, see [Message].
func (m *ENRPError) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeENRPError, &m.skipped)
	r.peers(&s, &m.Sender, &m.Receiver)
	r.onlyCauses(&s, &m.Causes)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *ENRPError) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeENRPError, 0)
	w.peers(m.Sender, m.Receiver)
	w.causes(m.Causes)
	return w.finish(dst)
}

func (m *ENRPError) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Causes = cloneCauses(m.Causes)
	return &c
}
