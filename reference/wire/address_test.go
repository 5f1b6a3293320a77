// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"net/netip"
	"testing"
)

// announceOf is a message with one transport at offset 8.
func announceOf(transport *Raw) *Raw {
	return RawMessage(TypeServerAnnounce).Put32(uint32(ownServer)).Add(transport)
}

func TestAddressFamilies(t *testing.T) {
	addrs := []netip.Addr{
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:192.0.2.1"),
	}
	raw := announceOf(rawTransport(ParameterSCTP, 9, 1,
		RawParameter(ParameterIPv4).Put(192, 0, 2, 1),
		RawParameter(ParameterIPv6).Put(addrs[1].AsSlice()...),
		RawParameter(ParameterIPv6).Put(addrs[2].AsSlice()...)))
	m := &ServerAnnounce{Server: ownServer, Transports: []Transport{
		{Kind: TransportSCTP, Port: 9, Use: DataAndControl, Addrs: addrs},
	}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
}

func TestAddressLengths(t *testing.T) {
	for _, c := range []struct {
		address *Raw
		want    string
	}{
		{RawParameter(ParameterIPv4).Put(1, 2, 3), "IPv4 address at 16: length 0x7"},
		{RawParameter(ParameterIPv4).Put(1, 2, 3, 4, 5), "IPv4 address at 16: length 0x9"},
		{RawParameter(ParameterIPv6).Put32(1), "IPv6 address at 16: length 0x8"},
		{RawParameter(ParameterIPv4).Put(make([]byte, 16)...), "IPv4 address at 16: length 0x14"},
	} {
		raw := announceOf(rawTransport(ParameterSCTP, 9, 0, c.address))
		checkRefused(t, ASAP, Lenient(), raw, ErrLength, "ASAP_SERVER_ANNOUNCE: "+c.want+": wrong length")
	}
}

func TestAddressToSend(t *testing.T) {
	for _, c := range []struct {
		o    Options
		addr netip.Addr
		err  error
		want string
	}{
		{Strict(), netip.Addr{}, ErrMissing, "address: 0x0: missing"},
		{Strict(), netip.MustParseAddr("fe80::1%eth0"), ErrValue, "address: zone 0x4: illegal value"},
		{Rsplib(), netip.MustParseAddr("127.0.0.9"), ErrValue, "address: scope 0x9: illegal value"},
		{Rsplib(), netip.MustParseAddr("169.254.0.1"), ErrValue, "address: scope 0x1: illegal value"},
		{Rsplib(), netip.MustParseAddr("::ffff:127.0.0.1"), ErrValue, "address: scope 0x1: illegal value"},
		{Rsplib(), netip.MustParseAddr("fe80::1"), ErrValue, "address: scope 0x1: illegal value"},
	} {
		m := &ServerAnnounce{Server: 1, Transports: []Transport{{Kind: TransportSCTP, Addrs: []netip.Addr{c.addr}}}}
		checkNotEncoded(t, c.o, m, c.err, "encode ASAP_SERVER_ANNOUNCE: "+c.want)
	}
}

func TestAddressesOfTheHostAreDroppedForRsplib(t *testing.T) {
	loopback := RawParameter(ParameterIPv4).Put(127, 0, 0, 1)
	raw := announceOf(rawTransport(ParameterSCTP, 4711, 0, loopback, rawIPv4()))
	checkDecodes(t, Rsplib(), raw, &ServerAnnounce{Server: ownServer, Transports: []Transport{sctpTransport(4711)}})
	checkRefused(t, ASAP, Rsplib(), announceOf(rawTransport(ParameterSCTP, 4711, 0, loopback)), ErrMissing,
		"ASAP_SERVER_ANNOUNCE: SCTP transport at 8: address 0x0: missing")
}
