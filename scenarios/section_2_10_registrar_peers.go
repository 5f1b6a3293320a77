// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// pathPeerID is the server ID of the registrar on whose path the attacker sits.
const pathPeerID = wire.ServerID(0x52535033) // "RSP3"

// peerMessage tampers with an update, or a presence, of a peer, and with a handle table.
func (t *tamperedPaths) peerMessage(ctx context.Context, door script.Door, direction attackers.Direction, how int) (passage, error) {
	tamperer := &attackers.Tamperer{}
	peer, err := t.run.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer on the path", ID: pathPeerID, Wrap: tamperer.Position})
	if err != nil {
		return passage{}, err
	}
	defer peer.Abort()
	prefix := attackers.RecordPrefix(peer.Info().TLS)
	question := &wire.ListRequest{Sender: peer.ID, Receiver: peer.Server}
	isList := func(m wire.Message) bool { _, ok := m.(*wire.ListResponse); return ok }
	if direction == attackers.Received {
		return t.table(ctx, peer, tamperer, how, prefix, question, isList)
	}
	id := wire.PEID(t.run.Random())
	update := func(action wire.UpdateAction) *wire.HandleUpdate {
		return peer.Update(action, t.run.Instance.Pool, actor.NewPE(id, peer.Info().Local.Addr()))
	}
	add := update(wire.AddPE)
	var first wire.Message = add
	var others []wire.Message
	switch how {
	case swapped:
		others = []wire.Message{update(wire.DelPE)}
	case repeated:
		first = peer.Presence(true)
	}
	tampering := tamperings(octets(id), t.where(add, octets(id)), prefix)[how]
	heard, ended, err := through(ctx, t.run.Instance.Timers.Response, peer.Node, tamperer, direction, tampering, first, others, question, isList)
	if err != nil {
		return passage{}, err
	}
	p := passage{what: fmt.Sprintf("%s through %s", first.Name(), door), direction: direction, how: tampering.What, ended: ended}
	there, there2, err := t.inPool(ctx, id)
	if err != nil {
		return p, err
	}
	switch {
	case how == flipped && there2:
		p.effect = fmt.Sprintf("element %s was added as %s", id, turned(id))
	case how == cut && there:
		p.effect = "it was taken for an update"
	case how == swapped && there:
		p.effect = "the element is there although it was removed last"
	case how == repeated && len(responses[*wire.Presence](heard)) > 1:
		p.effect = "it was answered twice"
	}
	if there || there2 {
		t.retract(ctx, update(wire.DelPE), id)
	}
	return p, nil
}

// retract removes what came into the handlespace, as the peer whose it is.
func (t *tamperedPaths) retract(ctx context.Context, del *wire.HandleUpdate, id wire.PEID) {
	peer, err := t.run.World.OpenPeer(ctx, actor.PeerSpec{Name: "peer on the path", ID: pathPeerID})
	if err != nil {
		t.run.Note("element %s could not be taken out again: %v", id, err)
		return
	}
	defer peer.Close(ctx)
	for _, candidate := range []wire.PEID{id, turned(id)} {
		del.Element.ID = candidate
		if err := peer.Send(ctx, del); err != nil {
			t.run.Note("element %s could not be taken out again: %v", candidate, err)
		}
	}
	_, _ = peer.Servers(ctx) // an answer says that the removals have been seen
}

// table tampers with a handle table on its way to a peer.
func (t *tamperedPaths) table(ctx context.Context, peer *actor.Peer, tamperer *attackers.Tamperer, how, prefix int,
	question wire.Message, isList func(wire.Message) bool,
) (passage, error) {
	own := t.element.PE.ID
	request := &wire.HandleTableRequest{Sender: peer.ID, Receiver: peer.Server}
	untouched, err := peer.Request(ctx, request, func(m wire.Message) bool { _, ok := m.(*wire.HandleTableResponse); return ok })
	if err != nil {
		return passage{}, err
	}
	tampering := tamperings(octets(own), t.where(untouched, octets(own)), prefix)[how]
	heard, ended, err := through(ctx, t.run.Instance.Timers.Response, peer.Node, tamperer, attackers.Received, tampering, request, nil, question, isList)
	if err != nil {
		return passage{}, err
	}
	p := passage{what: "a handle table", direction: attackers.Received, how: tampering.What, ended: ended}
	tables := responses[*wire.HandleTableResponse](heard)
	for _, a := range tables {
		for _, pool := range a.Pools {
			if slices.ContainsFunc(pool.Elements, func(e wire.PoolElement) bool { return e.ID == turned(own) }) {
				p.effect = fmt.Sprintf("the peer is given element %s, which nobody registered", turned(own))
			}
		}
	}
	switch {
	case how == swapped && turnedRound(heard, len(tables)):
		p.effect = "the answers came in the wrong order"
	case how == repeated && len(tables) > 1:
		p.effect = "the answer came twice"
	}
	return p, nil
}
