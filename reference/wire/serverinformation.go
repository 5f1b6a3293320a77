// SPDX-License-Identifier: Apache-2.0

package wire

import "encoding/binary"

// ServerInformation describes an ENRP server (RFC 5354 section 3.11).
type ServerInformation struct {
	ID ServerID
	// Transport is always SCTP.
	Transport Transport
}

// information decodes a Server Information parameter.
func (r *reader) information(t tlv, dst *ServerInformation) {
	s := span{pos: t.pos, end: t.end}
	if s.end-s.pos < 4 {
		r.fail(t.at, "server information", "length", uint64(t.end-t.at), ErrLength)
		return
	}
	dst.ID = ServerID(binary.BigEndian.Uint32(r.b[s.pos:]))
	unheard := r.o.UnheardServers && r.typ == TypeListResponse
	if dst.ID == 0 && !r.o.ReservedValues && !unheard {
		r.fail(t.at, "server information", "server ID", 0, ErrValue)
	}
	s.pos += 4
	for p, ok := r.next(&s); ok; p, ok = r.next(&s) {
		if p.typ != ParameterSCTP {
			r.extra(p)
		} else if r.single(&s, 1, p) {
			r.transport(p, &dst.Transport)
		}
	}
	r.require(&s, 1, ParameterSCTP)
}

// information encodes a Server Information parameter.
func (w *writer) information(i *ServerInformation) {
	mark := w.open(ParameterServerInformation)
	unheard := w.o.UnheardServers && w.typ == TypeListResponse
	if i.ID == 0 && !w.o.ReservedValues && !unheard {
		w.fail("server information", "server ID", 0, ErrValue)
	}
	w.word(uint32(i.ID))
	if i.Transport.Kind != TransportSCTP {
		w.fail("server information", "transport kind", uint64(i.Transport.Kind), ErrValue)
	}
	w.transport(&i.Transport)
	w.close(mark, "server information")
}

// clone returns a deep copy.
func (i *ServerInformation) clone() ServerInformation {
	return ServerInformation{ID: i.ID, Transport: i.Transport.clone()}
}
