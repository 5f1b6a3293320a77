// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
)

// TransportKind is the protocol of a transport parameter.
type TransportKind uint8

// The transports of RFC 5354 sections 3.3 to 3.7 and 3.16. The zero value is
// no transport and cannot be encoded.
const (
	TransportDCCP    = TransportKind(ParameterDCCP)
	TransportSCTP    = TransportKind(ParameterSCTP)
	TransportTCP     = TransportKind(ParameterTCP)
	TransportUDP     = TransportKind(ParameterUDP)
	TransportUDPLite = TransportKind(ParameterUDPLite)
	TransportOpaque  = TransportKind(ParameterOpaque)
)

// String returns the lower-case protocol name.
func (k TransportKind) String() string {
	switch k {
	case TransportDCCP:
		return "dccp"
	case TransportSCTP:
		return "sctp"
	case TransportTCP:
		return "tcp"
	case TransportUDP:
		return "udp"
	case TransportUDPLite:
		return "udp-lite"
	case TransportOpaque:
		return "opaque"
	}
	return fmt.Sprintf("transport %d", uint8(k))
}

// TransportUse tells what a transport address is for (RFC 5354 section 3.4).
type TransportUse uint16

// The two transport uses; all other values are undefined.
const (
	DataOnly       TransportUse = 0
	DataAndControl TransportUse = 1
)

// String returns "data" or "data+control".
func (u TransportUse) String() string {
	switch u {
	case DataOnly:
		return "data"
	case DataAndControl:
		return "data+control"
	}
	return fmt.Sprintf("transport use %d", uint16(u))
}

// Transport is where an endpoint can be reached.
type Transport struct {
	Kind TransportKind
	Port uint16
	// Use is on the wire for SCTP, and for TCP with Options.TCPUse.
	Use TransportUse
	// ServiceCode is for DCCP only.
	ServiceCode uint32
	// Addrs holds one address, one or more for SCTP and none for an opaque
	// transport. An IPv4-mapped address is sent as IPv6.
	Addrs []netip.Addr
	// Opaque is the data of an opaque transport.
	Opaque []byte
}

// isTransport reports whether the parameter is a transport of any kind.
func isTransport(t ParameterType) bool {
	return (t >= ParameterDCCP && t <= ParameterUDPLite) || t == ParameterOpaque
}

// transport decodes a transport parameter of any kind.
func (r *reader) transport(t tlv, dst *Transport) {
	*dst = Transport{Kind: TransportKind(t.typ), Addrs: dst.Addrs[:0]}
	if t.typ == ParameterOpaque {
		dst.Opaque = r.value(t)
		return
	}
	s := span{pos: t.pos, end: t.end}
	fixed := 4
	if t.typ == ParameterDCCP {
		fixed = 8
	}
	if s.end-s.pos < fixed {
		r.fail(t.at, ParameterName(t.typ), "length", uint64(t.end-t.at), ErrLength)
		return
	}
	dst.Port = binary.BigEndian.Uint16(r.b[s.pos:])
	switch t.typ {
	case ParameterDCCP:
		dst.ServiceCode = binary.BigEndian.Uint32(r.b[s.pos+4:])
	case ParameterSCTP:
		dst.Use = r.use(t, s.pos+2)
	case ParameterTCP:
		if r.o.TCPUse {
			dst.Use = r.use(t, s.pos+2)
		}
	}
	s.pos += fixed
	r.addresses(t, &s, dst)
}

// use decodes the Transport Use of the transport t.
func (r *reader) use(t tlv, at int) TransportUse {
	u := TransportUse(binary.BigEndian.Uint16(r.b[at:]))
	if u > DataAndControl && !r.o.ReservedValues {
		r.fail(t.at, ParameterName(t.typ), "transport use", uint64(u), ErrValue)
	}
	return u
}

// addresses decodes the addresses of the transport t: one or, for SCTP, more.
func (r *reader) addresses(t tlv, s *span, dst *Transport) {
	count, most := 0, 1
	if t.typ == ParameterSCTP {
		most = limit(r.o.MaxAddresses, DefaultMaxAddresses)
	}
	for p, ok := r.next(s); ok; p, ok = r.next(s) {
		if p.typ > ParameterIPv6 {
			r.extra(p)
			continue
		}
		if count++; count > most {
			r.fail(p.at, ParameterName(p.typ), "count", uint64(count), ErrTooLarge)
			return
		}
		if a, ok := r.address(p); ok && (!r.o.RoutableOnly || routable(a)) {
			dst.Addrs = append(dst.Addrs, a)
		}
	}
	if len(dst.Addrs) == 0 && r.err == nil {
		r.fail(t.at, ParameterName(t.typ), "address", 0, ErrMissing)
	}
}

// transport encodes a transport parameter of any kind.
func (w *writer) transport(t *Transport) {
	typ := ParameterType(t.Kind)
	switch {
	case !isTransport(typ):
		w.fail("transport", "kind", uint64(t.Kind), ErrMissing)
		return
	case typ != ParameterOpaque:
		w.addressed(t, parameterNames[typ])
		return
	case len(t.Addrs) > 0:
		w.fail(parameterNames[typ], "address count", uint64(len(t.Addrs)), ErrValue)
		return
	}
	w.bytes(typ, parameterNames[typ], t.Opaque)
}

// addressed encodes a transport with port and addresses.
func (w *writer) addressed(t *Transport, element string) {
	mark := w.open(ParameterType(t.Kind))
	carriesUse := t.Kind == TransportSCTP || (t.Kind == TransportTCP && w.o.TCPUse)
	if (t.Use != DataOnly && !carriesUse) || (t.Use > DataAndControl && !w.o.ReservedValues) {
		w.fail(element, "transport use", uint64(t.Use), ErrValue)
	}
	w.word16(t.Port)
	w.word16(uint16(t.Use))
	if t.Kind == TransportDCCP {
		w.word(t.ServiceCode)
	}
	most := 1
	if t.Kind == TransportSCTP {
		most = limit(w.o.MaxAddresses, DefaultMaxAddresses)
	}
	switch {
	case len(t.Addrs) == 0:
		w.fail(element, "address", 0, ErrMissing)
	case len(t.Addrs) > most:
		w.fail(element, "address count", uint64(len(t.Addrs)), ErrTooLarge)
	default:
		for _, a := range t.Addrs {
			w.address(a)
		}
	}
	w.close(mark, element)
}

// clone returns a deep copy.
func (t *Transport) clone() Transport {
	c := *t
	c.Addrs, c.Opaque = slices.Clone(t.Addrs), slices.Clone(t.Opaque)
	return c
}

// equal tells whether two transports are the same in every value.
func (t *Transport) equal(o *Transport) bool {
	return t.Kind == o.Kind && t.Port == o.Port && t.Use == o.Use && t.ServiceCode == o.ServiceCode &&
		slices.Equal(t.Addrs, o.Addrs) && slices.Equal(t.Opaque, o.Opaque)
}
