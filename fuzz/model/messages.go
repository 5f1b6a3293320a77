// SPDX-License-Identifier: Apache-2.0

package model

import (
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// anyMessage returns a well-formed message of the protocol, whoever may send it, with values
// that are honest, somebody else's, or at a limit.
func (e *Env) anyMessage(r *rand.Rand, p wire.Protocol) wire.Message {
	if p == wire.ENRP {
		return e.anyENRP(r)
	}
	return e.anyASAP(r)
}

func (e *Env) anyASAP(r *rand.Rand) wire.Message {
	handle, id := e.anyHandle(r), e.anyElementID(r)
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		pe := e.anyElement(r)
		pe.ID = id
		return &wire.Registration{PoolHandle: handle, Element: pe}
	case 4:
		return &wire.Deregistration{PoolHandle: handle, PEID: id}
	case 5, 6:
		return &wire.HandleResolution{PoolHandle: handle, Subscribe: r.IntN(2) == 0, HasItems: r.IntN(4) == 0, Items: anyWord(r)}
	case 7:
		return &wire.EndpointKeepAliveAck{PoolHandle: handle, PEID: id}
	case 8:
		return &wire.EndpointUnreachable{PoolHandle: handle, PEID: id}
	case 9:
		return &wire.EndpointKeepAlive{NewHome: r.IntN(2) == 0, Server: e.anyServer(r), PoolHandle: handle}
	case 10:
		return &wire.ServerAnnounce{Server: e.anyServer(r), Transports: []wire.Transport{e.anyTransport(r)}}
	case 11:
		return &wire.Cookie{Value: anyOctets(r, 1<<r.IntN(10))}
	case 12:
		return &wire.CookieEcho{Value: anyOctets(r, 1<<r.IntN(10))}
	case 13:
		return &wire.BusinessCard{PoolHandle: handle, Elements: []wire.PoolElement{e.anyElement(r)}}
	case 14:
		return &wire.ASAPError{Causes: []wire.Cause{e.anyCause(r)}}
	}
	return e.anyASAPResponse(r, handle, id)
}

// anyASAPResponse is what only a registrar sends.
func (e *Env) anyASAPResponse(r *rand.Rand, handle wire.PoolHandle, id wire.PEID) wire.Message {
	switch r.IntN(3) {
	case 0:
		return &wire.RegistrationResponse{PoolHandle: handle, PEID: id, Reject: r.IntN(2) == 0}
	case 1:
		return &wire.DeregistrationResponse{PoolHandle: handle, PEID: id}
	}
	return &wire.HandleResolutionResponse{PoolHandle: handle, Elements: []wire.PoolElement{e.anyElement(r)}, Policy: anyPolicy(r), HasPolicy: true}
}

func (e *Env) anyENRP(r *rand.Rand) wire.Message {
	from, to := e.sender(r), e.receiver(r)
	switch r.IntN(16) {
	case 0, 1:
		p := e.presence(r.IntN(2) == 0)
		p.Sender, p.Receiver, p.Checksum = from, to, uint16(anyWord(r))
		p.Server.ID, p.Server.Transport = e.anyServer(r), e.anyTransport(r)
		p.HasServer, p.HasChecksum = r.IntN(4) > 0, r.IntN(4) > 0
		return p
	case 2:
		return &wire.HandleTableRequest{Sender: from, Receiver: to, OwnChildrenOnly: r.IntN(2) == 0}
	case 3, 4:
		t := &wire.HandleTableResponse{Sender: from, Receiver: to, More: r.IntN(4) == 0, Reject: r.IntN(8) == 0}
		for range r.IntN(3) {
			pe := e.announced()
			pe.ID, pe.Home = e.anyElementID(r), e.anyServer(r)
			t.Pools = append(t.Pools, wire.PoolEntry{PoolHandle: e.anyHandle(r), Elements: []wire.PoolElement{pe}})
		}
		return t
	case 5, 6, 7, 8:
		pe := e.anyElement(r)
		pe.ID, pe.Home = e.anyElementID(r), e.anyServer(r)
		pe.HasASAP, pe.ASAP = true, wire.Transport{Kind: wire.TransportSCTP, Port: uint16(anyWord(r)), Addrs: []netip.Addr{e.anyAddress(r)}}
		return &wire.HandleUpdate{Sender: from, Receiver: to, Action: wire.UpdateAction(r.IntN(5) / 2), PoolHandle: e.anyHandle(r), Element: pe}
	case 9:
		return &wire.ListRequest{Sender: from, Receiver: to}
	case 10:
		return &wire.ListResponse{Sender: from, Receiver: to, Reject: r.IntN(4) == 0, Servers: []wire.ServerInformation{
			{ID: e.anyServer(r), Transport: e.anyTransport(r)},
		}}
	case 11:
		return &wire.InitTakeover{Sender: from, Receiver: to, Target: e.anyServer(r)}
	case 12:
		return &wire.InitTakeoverAck{Sender: from, Receiver: to, Target: e.anyServer(r)}
	case 13:
		return &wire.TakeoverServer{Sender: from, Receiver: to, Target: e.anyServer(r)}
	}
	return &wire.ENRPError{Sender: from, Receiver: to, Causes: []wire.Cause{e.anyCause(r)}}
}

// sender is mostly the own server: one association speaks for one.
func (e *Env) sender(r *rand.Rand) wire.ServerID {
	if r.IntN(8) > 0 {
		return e.Self
	}
	return e.anyServer(r)
}

func (e *Env) receiver(r *rand.Rand) wire.ServerID {
	switch r.IntN(8) {
	case 0:
		return e.anyServer(r)
	case 1, 2, 3:
		return 0
	}
	return serverID
}

func (e *Env) anyServer(r *rand.Rand) wire.ServerID {
	switch r.IntN(8) {
	case 0:
		return deadPeer
	case 1:
		return wire.ServerID(anyWord(r))
	case 2, 3:
		return serverID
	}
	return e.Self
}

// anyElementID is mostly the own one. At a system that has no owners the honest element is left
// alone: everybody may change it there.
func (e *Env) anyElementID(r *rand.Rand) wire.PEID {
	switch r.IntN(10) {
	case 0:
		return wire.PEID(anyWord(r))
	case 1:
		return e.ID + wire.PEID(1+r.IntN(3))
	case 2, 3:
		if e.World.Secured {
			return victimID
		}
	case 4:
		if e.World.Secured {
			return elementID
		}
	}
	return e.ID
}

// Handles at limits; 32 octets are what rsplib takes.
var (
	longHandle  = wire.PoolHandle(strings.Repeat("h", 32))
	hugeHandle  = wire.PoolHandle(strings.Repeat("H", 5000))
	oddHandles  = []wire.PoolHandle{{0}, wire.PoolHandle("a\x00b"), wire.PoolHandle("%n%s%x"), longHandle, append(longHandle[:32:32], 'x'), hugeHandle, {}}
	otherHandle = wire.PoolHandle("rspthreat-no-such-pool")
)

func (e *Env) anyHandle(r *rand.Rand) wire.PoolHandle {
	switch r.IntN(12) {
	case 0:
		return oddHandles[r.IntN(len(oddHandles))]
	case 1:
		return otherHandle
	case 2:
		if e.World.OtherPool != "" {
			return wire.PoolHandle(e.World.OtherPool)
		}
	case 3:
		return wire.PoolHandle(e.World.Pool)
	}
	return e.pool()
}

func (e *Env) anyElement(r *rand.Rand) wire.PoolElement {
	pe := e.element()
	if r.IntN(2) == 0 {
		return pe
	}
	pe.ID, pe.Home = e.anyElementID(r), e.anyServer(r)*wire.ServerID(r.IntN(2))
	pe.Life = []int32{shortLife, 0, 1, 2, 60, wire.LifeInfinite, 1<<31 - 1}[r.IntN(7)]
	if r.IntN(2) == 0 {
		pe.Policy = anyPolicy(r)
	}
	if r.IntN(3) == 0 {
		pe.User = e.anyTransport(r)
	}
	if r.IntN(8) == 0 {
		pe.HasASAP, pe.ASAP = true, wire.Transport{Kind: wire.TransportSCTP, Port: uint16(anyWord(r)), Addrs: []netip.Addr{e.anyAddress(r)}}
	}
	return pe
}

var policies = []wire.PolicyType{
	wire.RoundRobin, wire.WeightedRoundRobin, wire.Random, wire.WeightedRandom, wire.Priority,
	wire.LeastUsed, wire.LeastUsedDegradation, wire.PriorityLeastUsed, wire.RandomizedLeastUsed,
}

func anyPolicy(r *rand.Rand) wire.Policy {
	p := wire.Policy{Type: policies[r.IntN(len(policies))]}
	switch p.Type {
	case wire.WeightedRoundRobin, wire.WeightedRandom:
		p.Weight = anyWord(r)
	case wire.Priority:
		p.Priority = anyWord(r)
	case wire.LeastUsed, wire.RandomizedLeastUsed:
		p.Load = anyWord(r)
	case wire.LeastUsedDegradation, wire.PriorityLeastUsed:
		p.Load, p.Degradation = anyWord(r), anyWord(r)
	}
	return p
}

func (e *Env) anyTransport(r *rand.Rand) wire.Transport {
	kinds := []wire.TransportKind{wire.TransportSCTP, wire.TransportSCTP, wire.TransportTCP, wire.TransportUDP, wire.TransportDCCP, wire.TransportUDPLite}
	t := wire.Transport{Kind: kinds[r.IntN(len(kinds))], Port: uint16(anyWord(r)), Addrs: []netip.Addr{e.own()}}
	if r.IntN(2) == 0 {
		t.Addrs[0] = e.anyAddress(r)
	}
	if t.Kind == wire.TransportSCTP {
		t.Use = wire.TransportUse(r.IntN(2))
		for range r.IntN(8) / 6 * 3 {
			t.Addrs = append(t.Addrs, e.anyAddress(r))
		}
	}
	return t
}

// addresses at limits; {} is the own one.
var addresses = []netip.Addr{
	{},
	{},
	netip.MustParseAddr("192.0.2.1"), netip.IPv4Unspecified(),
	netip.MustParseAddr("255.255.255.255"), netip.MustParseAddr("224.0.0.1"), netip.MustParseAddr("127.0.0.1"),
	netip.IPv6Unspecified(), netip.IPv6Loopback(), netip.MustParseAddr("ff02::1"), netip.MustParseAddr("::ffff:192.0.2.1"),
}

func (e *Env) anyAddress(r *rand.Rand) netip.Addr {
	if a := addresses[r.IntN(len(addresses))]; a.IsValid() {
		return a
	}
	return e.own()
}

func (e *Env) anyCause(r *rand.Rand) wire.Cause {
	c := wire.Cause{Code: wire.CauseCode(r.IntN(int(wire.CauseSecurity) + 3))}
	if r.IntN(2) == 0 {
		c.Info = anyOctets(r, 4*r.IntN(8))
	}
	return c
}

var limits = []uint32{0, 1, 2, 3, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}

func anyWord(r *rand.Rand) uint32 {
	if r.IntN(3) == 0 {
		return r.Uint32()
	}
	return limits[r.IntN(len(limits))]
}

func anyOctets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
