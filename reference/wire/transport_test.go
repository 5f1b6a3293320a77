// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"net/netip"
	"testing"
)

// registrationOf is a message whose user transport is at offset 32.
func registrationOf(transport *Raw) *Raw {
	return RawMessage(TypeRegistration).Add(rawHandle(), rawElement(transport, rawRR()))
}

// registered is the message of registrationOf.
func registered(user Transport) *Registration {
	m := &Registration{PoolHandle: testHandle, Element: testElement(ownServer)}
	m.Element.User = user
	return m
}

func TestTransportKinds(t *testing.T) {
	v4 := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	v6 := []netip.Addr{netip.IPv6Unspecified()}
	for _, c := range []struct {
		raw  *Raw
		want Transport
	}{
		{
			RawParameter(ParameterDCCP).Put16(7).Put16(0).Put32(0x53435401).Add(rawIPv6()),
			Transport{Kind: TransportDCCP, Port: 7, ServiceCode: 0x53435401, Addrs: v6},
		},
		{
			rawTransport(ParameterSCTP, 7, 1, rawIPv6(), rawIPv4()),
			Transport{Kind: TransportSCTP, Port: 7, Use: DataAndControl, Addrs: append(v6, v4...)},
		},
		{rawTransport(ParameterTCP, 7, 0, rawIPv4()), Transport{Kind: TransportTCP, Port: 7, Addrs: v4}},
		{rawTransport(ParameterUDP, 7, 0, rawIPv4()), Transport{Kind: TransportUDP, Port: 7, Addrs: v4}},
		{rawTransport(ParameterUDPLite, 7, 0, rawIPv6()), Transport{Kind: TransportUDPLite, Port: 7, Addrs: v6}},
		{RawParameter(ParameterOpaque).Put(1, 2, 3), Transport{Kind: TransportOpaque, Opaque: []byte{1, 2, 3}}},
		{RawParameter(ParameterOpaque), Transport{Kind: TransportOpaque}},
	} {
		checkDecodes(t, Strict(), registrationOf(c.raw), registered(c.want))
		checkBytes(t, Strict(), registered(c.want), registrationOf(c.raw))
	}
}

func TestTransportAddressCount(t *testing.T) {
	for _, c := range []struct {
		raw  *Raw
		err  error
		want string
	}{
		{rawTransport(ParameterSCTP, 7, 0), ErrMissing, "SCTP transport at 32: address 0x0: missing"},
		{rawTransport(ParameterTCP, 7, 0), ErrMissing, "TCP transport at 32: address 0x0: missing"},
		{rawTransport(ParameterTCP, 7, 0, rawIPv4(), rawIPv4()), ErrTooLarge, "IPv4 address at 48: count 0x2: too large"},
		{rawTransport(ParameterUDP, 7, 0, rawIPv4(), rawIPv6()), ErrTooLarge, "IPv6 address at 48: count 0x2: too large"},
		{rawTransport(ParameterUDPLite, 7, 0, rawIPv4(), rawIPv4()), ErrTooLarge, "IPv4 address at 48: count 0x2: too large"},
		{RawParameter(ParameterDCCP).Put16(7).Put16(0), ErrLength, "DCCP transport at 32: length 0x8: wrong length"},
		{RawParameter(ParameterSCTP).Put16(7), ErrLength, "SCTP transport at 32: length 0x6: wrong length"},
		{rawTransport(ParameterSCTP, 7, 0, rawCookie()), ErrOrder, "cookie at 40: 0xd: not allowed here"},
	} {
		checkRefused(t, ASAP, Strict(), registrationOf(c.raw), c.err, "ASAP_REGISTRATION: "+c.want)
	}
	three := with(func(o *Options) { o.MaxAddresses = 2 })
	checkRefused(t, ASAP, three, registrationOf(rawTransport(ParameterSCTP, 7, 0, rawIPv4(), rawIPv4(), rawIPv4())),
		ErrTooLarge, "ASAP_REGISTRATION: IPv4 address at 56: count 0x3: too large")
}

func TestTransportToSend(t *testing.T) {
	one := []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	two := append(one, one...)
	for _, c := range []struct {
		transport Transport
		err       error
		want      string
	}{
		{Transport{}, ErrMissing, "transport: kind 0x0: missing"},
		{Transport{Kind: TransportKind(ParameterCookie)}, ErrMissing, "transport: kind 0xd: missing"},
		{Transport{Kind: TransportSCTP}, ErrMissing, "SCTP transport: address 0x0: missing"},
		{Transport{Kind: TransportTCP, Addrs: two}, ErrTooLarge, "TCP transport: address count 0x2: too large"},
		{Transport{Kind: TransportSCTP, Addrs: make([]netip.Addr, 129)}, ErrTooLarge, "SCTP transport: address count 0x81: too large"},
		{Transport{Kind: TransportOpaque, Addrs: one}, ErrValue, "opaque transport: address count 0x1: illegal value"},
		{Transport{Kind: TransportOpaque, Opaque: make([]byte, 65532)}, ErrTooLarge, "opaque transport: size 0xfffc: too large"},
		{Transport{Kind: TransportSCTP, Use: 2, Addrs: one}, ErrValue, "SCTP transport: transport use 0x2: illegal value"},
		{Transport{Kind: TransportTCP, Use: 1, Addrs: one}, ErrValue, "TCP transport: transport use 0x1: illegal value"},
		{Transport{Kind: TransportUDP, Use: 1, Addrs: one}, ErrValue, "UDP transport: transport use 0x1: illegal value"},
	} {
		checkNotEncoded(t, Strict(), registered(c.transport), c.err, "encode ASAP_REGISTRATION: "+c.want)
	}
}

func TestTransportUse(t *testing.T) {
	reserved := registrationOf(rawTransport(ParameterSCTP, 4711, 2, rawIPv4()))
	checkRefused(t, ASAP, Strict(), reserved, ErrValue, "ASAP_REGISTRATION: SCTP transport at 32: transport use 0x2: illegal value")
	user := sctpTransport(4711)
	user.Use = 2
	checkDecodes(t, Lenient(), reserved, registered(user))
	for u, want := range map[TransportUse]string{DataOnly: "data", DataAndControl: "data+control", 2: "transport use 2"} {
		if u.String() != want {
			t.Errorf("%d is %s", u, u)
		}
	}
}

func TestTransportUseOfTCPIsReservedUnlessAskedFor(t *testing.T) {
	raw := registrationOf(rawTransport(ParameterTCP, 4711, 1, rawIPv4()))
	user := sctpTransport(4711)
	user.Kind = TransportTCP
	checkDecodes(t, Strict(), raw, registered(user))
	user.Use = DataAndControl
	checkDecodes(t, Lenient(), raw, registered(user))
	checkBytes(t, Rsplib(), registered(user), registrationOfMilliseconds(rawTransport(ParameterTCP, 4711, 1, rawIPv4())))
}

// registrationOfMilliseconds is registrationOf with rsplib's registration life.
func registrationOfMilliseconds(transport *Raw) *Raw {
	return RawMessage(TypeRegistration).Add(rawHandle(),
		RawParameter(ParameterPoolElement).Put32(uint32(testPE)).Put32(uint32(ownServer)).Put32(30000).Add(transport, rawRR()))
}

func TestTransportKindNames(t *testing.T) {
	for k, want := range map[TransportKind]string{
		TransportDCCP: "dccp", TransportSCTP: "sctp", TransportTCP: "tcp", TransportUDP: "udp",
		TransportUDPLite: "udp-lite", TransportOpaque: "opaque", 0: "transport 0",
	} {
		if k.String() != want {
			t.Errorf("%d is %s", k, k)
		}
	}
}
