// SPDX-License-Identifier: Apache-2.0

package wire

import "net/netip"

// address decodes an IPv4 or IPv6 Address parameter (RFC 5354 sections 3.1, 3.2).
func (r *reader) address(t tlv) (a netip.Addr, ok bool) {
	switch n := t.end - t.pos; {
	case t.typ == ParameterIPv4 && n == 4:
		return netip.AddrFrom4([4]byte(r.b[t.pos:])), true
	case t.typ == ParameterIPv6 && n == 16:
		return netip.AddrFrom16([16]byte(r.b[t.pos:])), true
	}
	r.fail(t.at, ParameterName(t.typ), "length", uint64(t.end-t.at), ErrLength)
	return a, false
}

// address encodes an IPv4 or IPv6 Address parameter.
func (w *writer) address(a netip.Addr) {
	switch {
	case a.Zone() != "":
		// The parameter has no field for it, and it means nothing on another host.
		w.fail("address", "zone", uint64(len(a.Zone())), ErrValue)
	case w.o.RoutableOnly && !routable(a):
		w.fail("address", "scope", uint64(a.As16()[15]), ErrValue)
	case a.Is4():
		mark, b := w.open(ParameterIPv4), a.As4()
		w.b = append(w.b, b[:]...)
		w.end(mark, "address")
	case a.Is6():
		mark, b := w.open(ParameterIPv6), a.As16()
		w.b = append(w.b, b[:]...)
		w.end(mark, "address")
	default:
		w.fail("address", "", 0, ErrMissing)
	}
}

// routable reports whether rsplib takes the address.
func routable(a netip.Addr) bool {
	a = a.Unmap()
	return !a.IsLoopback() && !a.IsLinkLocalUnicast()
}
