// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"net/netip"
	"testing"
)

func TestCloneSharesNothing(t *testing.T) {
	samples := map[string][]byte{}
	for _, v := range loadVectors(t) {
		samples[v.name] = v.bytes
	}
	samples["opaque"] = registrationOf(RawParameter(ParameterOpaque).Put(1, 2, 3, 4)).Bytes()
	samples["private policy"] = registrationWith(RawParameter(ParameterPolicy).Put32(0x80000001).Put32(1)).Bytes()
	samples["skipped"] = RawMessage(TypeCookie).Add(rawCookie(), RawParameter(0x8000).Put32(1)).Bytes()
	samples["servers"] = nil
	for name, b := range samples {
		p := ASAP
		if name[0] == 'E' {
			p = ENRP
		}
		if b == nil {
			p, b = ENRP, rawENRP(TypeListResponse).Add(rawInformation()).Bytes()
		}
		var d Decoder
		d.Options = Lenient()
		b = append([]byte{}, b...)
		m, err := d.Decode(p, b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := Clone(m)
		if !same(c, m) || len(c.Unrecognized()) != len(m.Unrecognized()) {
			t.Errorf("%s: clone %+v of %+v", name, c, m)
		}
		before := text(c) + string(CauseOfParameter(append(c.Unrecognized(), Parameter{})[0]).Info)
		overwrite(m, b)
		if after := text(c) + string(CauseOfParameter(append(c.Unrecognized(), Parameter{})[0]).Info); after != before {
			t.Errorf("%s: clone became %s\nfrom %s", name, after, before)
		}
	}
}

// overwrite changes everything that a shallow copy of m would share.
func overwrite(m Message, b []byte) {
	for i := range b {
		b[i] ^= 0xff
	}
	transport := func(t *Transport) {
		for i := range t.Addrs {
			t.Addrs[i] = netip.IPv6Unspecified()
		}
	}
	elements := func(list []PoolElement) {
		for i := range list {
			transport(&list[i].User)
			transport(&list[i].ASAP)
			list[i].ID++
		}
	}
	switch m := m.(type) {
	case *Registration:
		transport(&m.Element.User)
	case *HandleResolutionResponse:
		elements(m.Elements)
		clear(m.Causes)
	case *BusinessCard:
		elements(m.Elements)
	case *RegistrationResponse:
		clear(m.Causes)
	case *ASAPError:
		clear(m.Causes)
	case *ENRPError:
		clear(m.Causes)
	case *Presence:
		transport(&m.Server.Transport)
	case *HandleUpdate:
		transport(&m.Element.User)
		transport(&m.Element.ASAP)
	case *HandleTableResponse:
		for i := range m.Pools {
			elements(m.Pools[i].Elements)
		}
		clear(m.Pools)
	case *ListResponse:
		for i := range m.Servers {
			transport(&m.Servers[i].Transport)
		}
		clear(m.Servers)
	}
}
