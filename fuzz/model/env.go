// SPDX-License-Identifier: Apache-2.0

package model

import (
	"net/netip"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Env is what the messages of one block have in common.
type Env struct {
	World *World
	ID    wire.PEID     // of the own element
	Self  wire.ServerID // of the own server
	Pool  string        // that the caller may join
}

// Placeholders in messages, see conversation.Value.
const (
	serverID  = wire.ServerID(conversation.Server)
	victimID  = wire.PEID(conversation.Victim)
	elementID = wire.PEID(conversation.Element)
)

// deadPeer is a registrar that nobody is.
const deadPeer = wire.ServerID(0xdead9ee4)

// Identifiers of the fuzzer's own nodes begin with these octets, so that they are told from
// honest ones in captures. Mutations change them like everything else.
const (
	ownElements = 0xfe << 24
	ownServers  = 0xfd << 24
)

// ownServerCount is how many servers the fuzzer pretends to be: fewer than a registrar takes for
// peers, as it would listen to nobody new otherwise.
const ownServerCount = 8

// servicePort is what elements say that they serve at; nothing listens there.
const servicePort = 7

func (e *Env) pool() wire.PoolHandle { return wire.PoolHandle(e.Pool) }

// own is the address that the caller comes from.
func (e *Env) own() netip.Addr { return conversation.OwnAddress(e.World.IPv6) }

// shortLife is the registration life of the fuzzer's elements in seconds: what a case leaves
// behind is gone before there is much of it.
const shortLife = 30

// element is the own element, honestly described.
func (e *Env) element() wire.PoolElement {
	return wire.PoolElement{
		ID: e.ID, Life: shortLife, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: servicePort, Addrs: []netip.Addr{e.own()}},
	}
}

func (e *Env) registration() *wire.Registration {
	return &wire.Registration{PoolHandle: e.pool(), Element: e.element()}
}

// announced is an element of the own server, as a peer registrar announces it.
func (e *Env) announced() wire.PoolElement {
	pe := e.element()
	pe.Home, pe.HasASAP = e.Self, true
	pe.ASAP = wire.Transport{Kind: wire.TransportSCTP, Port: servicePort, Addrs: pe.User.Addrs}
	return pe
}

// presence says that the own server owns nothing, with the checksum of nothing.
func (e *Env) presence(reply bool) *wire.Presence {
	return &wire.Presence{
		Sender: e.Self, ReplyRequired: reply, Checksum: emptyChecksum, HasChecksum: true, HasServer: true,
		Server: wire.ServerInformation{ID: e.Self, Transport: wire.Transport{
			Kind: wire.TransportSCTP, Port: wire.PortENRP, Addrs: []netip.Addr{e.own()},
		}},
	}
}

var emptyChecksum = handlespace.New(handlespace.Options{}).Checksum(0)
