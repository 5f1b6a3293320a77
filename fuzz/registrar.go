// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// FuzzRegistrar takes the input as two speakers and their messages to a secured registrar, at
// which an honest element is registered. Whatever they say, state comes about only for whom it
// may, an element stays its owner's, the handlespace stays within its limits, and each answer is a
// message that a registrar may send.
func FuzzRegistrar(data []byte) int { return besiege(data, registrar.NewDefences()) }

// maxMessages is how much is said to one registrar: more finds nothing that a second try does not.
const maxMessages = 64

func besiege(data []byte, defences registrar.Defences) int {
	d := &decisions{data}
	speakers := [2]speaker{pick(d, speakers), pick(d, speakers)}
	b := newBed(&defences, speakers)
	defer b.close()
	kept := 0
	for range maxMessages {
		if !d.more() {
			break
		}
		choice := d.octet()
		from := b.links[choice>>7]
		ppid := from.speaker.protocol.PPID()
		var payload []byte
		switch choice & 0x7f % 8 {
		case 0:
			payload = d.take(int(d.number() % 1024))
		case 1:
			payload, ppid = encoded(anyRequest(d)), uint32(d.octet())
		default:
			payload = encoded(anyMessage(d, from.speaker))
		}
		if b.say(from, payload, ppid) {
			kept = 1
		}
	}
	b.audit()
	return kept
}

// encoded returns the message as a careless node sends it, nil when it cannot be encoded at all.
func encoded(m wire.Message) []byte {
	o := wire.Lenient()
	payload, _ := m.Append(nil, &o)
	return payload
}

// What messages name: the honest element and its pool, others, and what nobody knows.
var (
	siegeHandles = []string{sharedPool, privatePool, "NoPool", "More", "Pools"}
	siegeIDs     = []wire.PEID{honestID, 1, 2, 3, 4, 5, 6, 7}
	siegeServers = []wire.ServerID{peerID, registrarID, auditorID, 0x99, 0}
)

// anyMessage decides for a message that the speaker's protocol has.
func anyMessage(d *decisions, s speaker) wire.Message {
	if s.protocol == wire.ENRP {
		return anyUpdate(d)
	}
	return anyRequest(d)
}

func anyRequest(d *decisions) wire.Message {
	handle, id := wire.PoolHandle(pick(d, siegeHandles)), pick(d, siegeIDs)
	switch d.octet() % 8 {
	case 0:
		return &wire.Deregistration{PoolHandle: handle, PEID: id}
	case 1:
		return &wire.HandleResolution{PoolHandle: handle}
	case 2:
		return &wire.EndpointKeepAliveAck{PoolHandle: handle, PEID: id}
	case 3:
		return &wire.EndpointUnreachable{PoolHandle: handle, PEID: id}
	}
	e := siegeElement(d)
	e.ID = id
	return &wire.Registration{PoolHandle: handle, Element: e}
}

func siegeElement(d *decisions) wire.PoolElement {
	e := honestElement
	e.ID, e.Home, e.Life = pick(d, siegeIDs), pick(d, siegeServers), pick(d, []int32{-1, 86400, 0})
	e.User.Addrs = append(e.User.Addrs[:0:0], pick(d, hosts))
	if o := d.octet(); o%4 == 3 {
		e.Policy.Type = policies[int(o)/4%len(policies)]
		e.User.Addrs = append(e.User.Addrs, pick(d, hosts))
	}
	return e
}

func anyUpdate(d *decisions) wire.Message {
	from, to := pick(d, siegeServers), registrarID*wire.ServerID(d.octet()%2)
	switch d.octet() % 8 {
	case 0:
		return &wire.Presence{Sender: from, Receiver: to, ReplyRequired: d.octet()%2 == 0, HasServer: true, Server: wire.ServerInformation{
			ID: pick(d, siegeServers), Transport: honestElement.User,
		}}
	case 1:
		return &wire.ListRequest{Sender: from, Receiver: to}
	case 2:
		return &wire.HandleTableRequest{Sender: from, Receiver: to, OwnChildrenOnly: d.octet()%2 == 0}
	case 3:
		return &wire.InitTakeover{Sender: from, Receiver: to, Target: pick(d, siegeServers)}
	case 4:
		return &wire.TakeoverServer{Sender: from, Receiver: to, Target: pick(d, siegeServers)}
	}
	return &wire.HandleUpdate{
		Sender: from, Receiver: to, Action: wire.UpdateAction(d.octet() % 3),
		PoolHandle: wire.PoolHandle(pick(d, siegeHandles)), Element: siegeElement(d),
	}
}
