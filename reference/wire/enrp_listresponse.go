// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// ListResponse lists the known servers (RFC 5353 section 2.6).
type ListResponse struct {
	Sender, Receiver ServerID
	// Reject is the R flag; then there are no servers.
	Reject  bool
	Servers []ServerInformation

	skipped
}

// Protocol returns ENRP.
func (*ListResponse) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ListResponse) Type() uint8 { return TypeListResponse }

// Name returns the RFC's name.
func (*ListResponse) Name() string { return messageNames[ENRP][TypeListResponse] }

// Decode reads one message, see [Message].
func (m *ListResponse) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeListResponse, &m.skipped)
	m.Reject = r.flag(flagReject)
	m.Servers = m.Servers[:0]
	r.peers(&s, &m.Sender, &m.Receiver)
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		if t.typ != ParameterServerInformation {
			r.extra(t)
		} else if r.repeated(&s, 1, t, len(m.Servers), r.maxElements()) {
			m.Servers = extend(m.Servers)
			r.information(t, &m.Servers[len(m.Servers)-1])
		}
	}
	if m.Reject && len(m.Servers) > 0 && !r.o.LooseContent {
		r.fail(s.end, "message", "reject flag", uint64(len(m.Servers)), ErrValue)
	}
	return r.done()
}

// Append encodes the message, see [Message].
func (m *ListResponse) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeListResponse, flagIf(m.Reject, flagReject))
	w.peers(m.Sender, m.Receiver)
	if m.Reject && len(m.Servers) > 0 && !w.o.LooseContent {
		w.fail("message", "reject flag", uint64(len(m.Servers)), ErrValue)
	}
	if w.count("server information", len(m.Servers), w.maxElements(), false) {
		for i := range m.Servers {
			w.information(&m.Servers[i])
		}
	}
	return w.finish(dst)
}

func (m *ListResponse) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Servers = slices.Clone(m.Servers)
	for i := range c.Servers {
		c.Servers[i] = m.Servers[i].clone()
	}
	return &c
}
