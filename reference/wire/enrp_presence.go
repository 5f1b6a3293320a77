// SPDX-License-Identifier: Apache-2.0

package wire

// Presence announces or probes a server (RFC 5353 section 2.1).
type Presence struct {
	Sender, Receiver ServerID
	// ReplyRequired is flag 0x01, see Options.NoReplyFlag.
	ReplyRequired bool
	// Checksum over the pool elements the sender owns, if HasChecksum.
	Checksum    uint16
	HasChecksum bool
	Server      ServerInformation
	HasServer   bool

	skipped
}

// Protocol returns ENRP.
func (*Presence) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*Presence) Type() uint8 { return TypePresence }

// Name returns the RFC's name.
func (*Presence) Name() string { return messageNames[ENRP][TypePresence] }

// Decode reads one message, see [Message].
func (m *Presence) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypePresence, &m.skipped)
	m.ReplyRequired = r.flag(flagReplyRequired) && !r.o.NoReplyFlag
	m.Checksum, m.HasChecksum, m.HasServer = 0, false, false
	r.peers(&s, &m.Sender, &m.Receiver)
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		switch t.typ {
		case ParameterPEChecksum:
			if r.single(&s, inPresenceChecksum, t) {
				m.Checksum, m.HasChecksum = r.checksum(t), true
			}
		case ParameterServerInformation:
			if r.single(&s, inPresenceServer, t) {
				r.information(t, &m.Server)
				m.HasServer = true
			}
		default:
			r.extra(t)
		}
	}
	if !m.HasServer {
		m.Server = ServerInformation{Transport: Transport{Addrs: m.Server.Transport.Addrs[:0]}}
	}
	if r.o.RequireChecksum {
		r.require(&s, inPresenceChecksum, ParameterPEChecksum)
	}
	if r.o.RequireServerInformation {
		r.require(&s, inPresenceServer, ParameterServerInformation)
	}
	return r.done()
}

// Append encodes the message, see [Message].
func (m *Presence) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypePresence, flagIf(m.ReplyRequired, flagReplyRequired))
	if m.ReplyRequired && w.o.NoReplyFlag {
		w.fail("message", "reply required flag", flagReplyRequired, ErrValue)
	}
	w.peers(m.Sender, m.Receiver)
	switch {
	case m.HasChecksum:
		w.checksum(m.Checksum)
	case w.o.RequireChecksum:
		w.fail("PE checksum", "", 0, ErrMissing)
	}
	switch {
	case m.HasServer:
		w.information(&m.Server)
	case w.o.RequireServerInformation:
		w.fail("server information", "", 0, ErrMissing)
	}
	return w.finish(dst)
}

func (m *Presence) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.Server = m.Server.clone()
	return &c
}

// flagReplyRequired is the R flag, which the RFC's figure forgets.
const flagReplyRequired = 0x01

// Positions of the parameters in a Presence.
const (
	inPresenceChecksum = 1 << iota
	inPresenceServer
)
