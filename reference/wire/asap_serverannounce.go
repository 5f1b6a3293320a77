// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// ServerAnnounce announces where a server can be reached (RFC 5352 section
// 2.2.10).
type ServerAnnounce struct {
	Server ServerID
	// Transports are SCTP or TCP, possibly none.
	Transports []Transport

	skipped
}

// Protocol returns ASAP.
func (*ServerAnnounce) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*ServerAnnounce) Type() uint8 { return TypeServerAnnounce }

// Name returns the RFC's name.
func (*ServerAnnounce) Name() string { return messageNames[ASAP][TypeServerAnnounce] }

// Decode reads one message, see [Message].
func (m *ServerAnnounce) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeServerAnnounce, &m.skipped)
	m.Server = r.server(&s, "server ID")
	m.Transports = m.Transports[:0]
	sctp := false
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		if t.typ != ParameterSCTP && t.typ != ParameterTCP {
			r.extra(t)
			continue
		}
		sctp = sctp || t.typ == ParameterSCTP
		if r.o.TCPFirst && sctp && t.typ == ParameterTCP {
			r.fail(t.at, "TCP transport", "", uint64(t.typ), ErrOrder)
			break
		}
		if r.repeated(&s, 1, t, len(m.Transports), r.maxElements()) {
			m.Transports = extend(m.Transports)
			r.transport(t, &m.Transports[len(m.Transports)-1])
		}
	}
	return r.done()
}

// Append encodes the message, see [Message].
func (m *ServerAnnounce) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeServerAnnounce, 0)
	w.server(m.Server, "server ID")
	w.count("transport", len(m.Transports), w.maxElements(), false)
	if w.o.TCPFirst {
		m.append(&w, TransportTCP)
		m.append(&w, TransportSCTP)
	} else {
		m.append(&w, TransportTCP, TransportSCTP)
	}
	return w.finish(dst)
}

func (m *ServerAnnounce) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Transports = cloneTransports(m.Transports)
	return &c
}

// append encodes the transports of the given kinds.
func (m *ServerAnnounce) append(w *writer, kinds ...TransportKind) {
	for i := range m.Transports {
		t := &m.Transports[i]
		if t.Kind != TransportSCTP && t.Kind != TransportTCP {
			w.fail("transport", "kind", uint64(t.Kind), ErrValue)
		} else if slices.Contains(kinds, t.Kind) && w.err == nil {
			w.transport(t)
		}
	}
}

// cloneTransports returns a deep copy.
func cloneTransports(list []Transport) []Transport {
	c := slices.Clone(list)
	for i := range c {
		c[i] = list[i].clone()
	}
	return c
}
