// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"net/netip"

	"pgregory.net/rapid"
)

// draw makes messages that are legal under the options.
type draw struct {
	t *rapid.T
	o *Options
}

func (d draw) flag(name string) bool { return rapid.Bool().Draw(d.t, name) }

func (d draw) number(name string) uint32 { return rapid.Uint32().Draw(d.t, name) }

func (d draw) bytes(name string, least, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), least, most).Draw(d.t, name)
}

func (d draw) server(name string) ServerID {
	return ServerID(rapid.Uint32Min(1).Draw(d.t, name))
}

func (d draw) handle() PoolHandle { return d.bytes("pool handle", 1, 32) }

func (d draw) id() PEID { return PEID(d.number("PE ID")) }

func (d draw) addr() netip.Addr {
	if d.flag("IPv6") {
		return netip.AddrFrom16([16]byte(append([]byte{0x20, 0x01}, d.bytes("address", 14, 14)...)))
	}
	return netip.AddrFrom4([4]byte(append([]byte{10}, d.bytes("address", 3, 3)...)))
}

// most is the largest number of repeated parts; the message limit is far away.
const most = 4

func (d draw) transport(kinds ...TransportKind) Transport {
	t := Transport{Kind: rapid.SampledFrom(kinds).Draw(d.t, "kind")}
	if t.Kind == TransportOpaque {
		t.Opaque = d.bytes("opaque", 0, 20)
		return t
	}
	t.Port = rapid.Uint16().Draw(d.t, "port")
	t.Addrs = []netip.Addr{d.addr()}
	switch t.Kind {
	case TransportDCCP:
		t.ServiceCode = d.number("service code")
	case TransportSCTP:
		t.Use = TransportUse(rapid.Uint16Max(1).Draw(d.t, "use"))
		for range rapid.IntRange(0, most).Draw(d.t, "more addresses") {
			t.Addrs = append(t.Addrs, d.addr())
		}
	case TransportTCP:
		if d.o.TCPUse {
			t.Use = TransportUse(rapid.Uint16Max(1).Draw(d.t, "use"))
		}
	}
	return t
}

var definedPolicies = []PolicyType{
	RoundRobin, WeightedRoundRobin, Random, WeightedRandom, Priority,
	LeastUsed, LeastUsedDegradation, PriorityLeastUsed, RandomizedLeastUsed,
}

func (d draw) policy() Policy {
	if d.flag("private policy") {
		return Policy{Type: policyPrivate | PolicyType(d.number("policy")), Data: d.bytes("data", 0, 20)}
	}
	p := Policy{Type: rapid.SampledFrom(definedPolicies).Draw(d.t, "policy")}
	first, second := p.values()
	if p.Type.fields() > 0 {
		*first = d.number("first value")
	}
	if p.Type.fields() > 1 {
		*second = d.number("second value")
	}
	return p
}

func (d draw) element() PoolElement {
	e := PoolElement{
		ID: d.id(), Home: d.server("home"), Life: rapid.Int32Min(LifeInfinite).Draw(d.t, "life"),
		User:   d.transport(TransportDCCP, TransportSCTP, TransportTCP, TransportUDP, TransportUDPLite, TransportOpaque),
		Policy: d.policy(),
	}
	if e.HasASAP = d.o.CompleteElements || d.flag("ASAP transport"); e.HasASAP {
		e.ASAP = d.transport(TransportSCTP)
	}
	if d.flag("signed") {
		e.SignedPolicy = d.bytes("signed policy", 1, 20)
	}
	if d.o.LifeMilliseconds {
		e.Life %= 4294967 // what 32 bits of milliseconds hold
	}
	return e
}

// several draws a list of at least least parts.
func several[T any](d draw, least int, one func() T) []T {
	var list []T
	for range rapid.IntRange(least, most).Draw(d.t, "count") {
		list = append(list, one())
	}
	return list
}

func (d draw) information() ServerInformation {
	return ServerInformation{ID: d.server("server"), Transport: d.transport(TransportSCTP)}
}

func (d draw) cause() Cause {
	code := CauseCode(rapid.Uint16Max(uint16(CauseSecurity)).Draw(d.t, "cause"))
	switch code {
	case CauseUnrecognizedParameter:
		typ := rapid.Uint16Range(uint16(actionReport)|ParameterOpaque, 0x7fff).Draw(d.t, "type")
		return CauseOfParameter(Parameter{typ, d.bytes("value", 0, 9)})
	case CauseUnrecognizedMessage:
		return Cause{code, RawMessage(0x41).Add(RawParameter(0xc020).Put(d.bytes("value", 0, 9)...).Padding()).Padding().Bytes()}
	case CauseInvalidValues:
		return Cause{code, RawParameter(ParameterPEIdentifier).Put32(d.number("invalid")).Bytes()}
	case CauseInconsistentPolicy:
		p := d.policy()
		c, err := CauseOfPolicy(p)
		if err != nil {
			d.t.Fatalf("%+v: %v", p, err)
		}
		return c
	case CauseInconsistentTransport:
		t := d.transport(TransportSCTP, TransportUDP)
		c, err := CauseOfTransport(t)
		if err != nil {
			d.t.Fatalf("%+v: %v", t, err)
		}
		return c
	case CauseSecurity:
		return Cause{code, d.bytes("info", 0, 9)}
	}
	return Cause{Code: code}
}

func (d draw) causes(least int) []Cause { return several(d, least, d.cause) }

func (d draw) elements(least int) []PoolElement { return several(d, least, d.element) }

// message draws a message of the kind.
func (d draw) message(p Protocol, typ uint8) Message {
	if p == ASAP {
		return d.asap(typ)
	}
	return d.enrp(typ)
}

func (d draw) asap(typ uint8) Message {
	switch typ {
	case TypeRegistration:
		return &Registration{PoolHandle: d.handle(), Element: d.element()}
	case TypeDeregistration:
		return &Deregistration{PoolHandle: d.handle(), PEID: d.id()}
	case TypeRegistrationResponse:
		return &RegistrationResponse{Reject: d.flag("R"), PoolHandle: d.handle(), PEID: d.id(), Causes: d.causes(0)}
	case TypeDeregistrationResponse:
		return &DeregistrationResponse{PoolHandle: d.handle(), PEID: d.id(), Causes: d.causes(0)}
	case TypeHandleResolution:
		m := &HandleResolution{Subscribe: d.flag("S"), PoolHandle: d.handle()}
		if m.HasItems = d.o.HandleResolutionOption && d.flag("option"); m.HasItems {
			m.Items = d.number("items")
		}
		return m
	case TypeHandleResolutionResponse:
		m := &HandleResolutionResponse{UpdatesAccepted: d.flag("A"), PoolHandle: d.handle()}
		if d.flag("negative") {
			m.Causes = d.causes(1)
			return m
		}
		m.Policy, m.Elements = Policy{Type: RoundRobin}, d.elements(1)
		if m.HasPolicy = d.o.ExplicitPolicy || d.flag("policy"); m.HasPolicy {
			m.Policy = d.policy()
		}
		if d.flag("ticket") {
			m.Ticket = d.bytes("ticket", SelectionTicketLength, SelectionTicketLength)
		}
		return m
	case TypeEndpointKeepAlive:
		m := &EndpointKeepAlive{NewHome: d.flag("H"), Server: d.server("server"), PoolHandle: d.handle()}
		if m.HasPEID = d.o.KeepAlivePEID && d.flag("with PE ID"); m.HasPEID {
			m.PEID = d.id()
		}
		return m
	case TypeEndpointKeepAliveAck:
		return &EndpointKeepAliveAck{PoolHandle: d.handle(), PEID: d.id()}
	case TypeEndpointUnreachable:
		return &EndpointUnreachable{PoolHandle: d.handle(), PEID: d.id()}
	}
	return d.asapOther(typ)
}

func (d draw) asapOther(typ uint8) Message {
	switch typ {
	case TypeServerAnnounce:
		m := &ServerAnnounce{Server: d.server("server")}
		m.Transports = several(d, 0, func() Transport { return d.transport(TransportTCP) })
		m.Transports = append(m.Transports, several(d, 0, func() Transport { return d.transport(TransportSCTP) })...)
		return m
	case TypeCookie:
		return &Cookie{Value: d.cookie()}
	case TypeCookieEcho:
		return &CookieEcho{Value: d.cookie()}
	case TypeBusinessCard:
		return &BusinessCard{PoolHandle: d.handle(), Elements: d.elements(1)}
	case TypeASAPError:
		return &ASAPError{Causes: d.causes(1)}
	}
	d.t.Fatalf("no generator for ASAP message 0x%02x", typ)
	return nil
}

func (d draw) cookie() []byte {
	b := d.bytes("cookie", 0, 40)
	if d.o.AlignedCookie {
		b = b[:len(b)&^3]
	}
	return b
}

func (d draw) enrp(typ uint8) Message {
	from, to := d.server("sender"), ServerID(d.number("receiver"))
	switch typ {
	case TypePresence:
		m := &Presence{Sender: from, Receiver: to, ReplyRequired: d.flag("R")}
		if m.HasChecksum = d.o.RequireChecksum || d.flag("with checksum"); m.HasChecksum {
			m.Checksum = rapid.Uint16().Draw(d.t, "checksum")
		}
		if m.HasServer = d.o.RequireServerInformation || d.flag("with server"); m.HasServer {
			m.Server = d.information()
		}
		return m
	case TypeHandleTableRequest:
		return &HandleTableRequest{Sender: from, Receiver: to, OwnChildrenOnly: d.flag("W")}
	case TypeHandleTableResponse:
		m := &HandleTableResponse{Sender: from, Receiver: to, Reject: d.flag("R"), More: d.flag("M")}
		if !m.Reject {
			m.Pools = several(d, 0, func() PoolEntry { return PoolEntry{d.handle(), d.elements(1)} })
		}
		return m
	case TypeHandleUpdate:
		return &HandleUpdate{
			Sender: from, Receiver: to, TakeoverSuggested: d.o.TakeoverFlag && d.flag("T"),
			Action: UpdateAction(rapid.Uint16Max(1).Draw(d.t, "action")), PoolHandle: d.handle(), Element: d.element(),
		}
	case TypeListRequest:
		return &ListRequest{Sender: from, Receiver: to}
	case TypeListResponse:
		m := &ListResponse{Sender: from, Receiver: to, Reject: d.flag("R")}
		if !m.Reject {
			m.Servers = several(d, 0, d.information)
		}
		return m
	case TypeInitTakeover:
		return &InitTakeover{Sender: from, Receiver: to, Target: d.server("target")}
	case TypeInitTakeoverAck:
		return &InitTakeoverAck{Sender: from, Receiver: to, Target: d.server("target")}
	case TypeTakeoverServer:
		return &TakeoverServer{Sender: from, Receiver: to, Target: d.server("target")}
	case TypeENRPError:
		return &ENRPError{Sender: from, Receiver: to, Causes: d.causes(1)}
	}
	d.t.Fatalf("no generator for ENRP message 0x%02x", typ)
	return nil
}
