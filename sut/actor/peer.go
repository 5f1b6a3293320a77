// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// maxTablePages bounds a handle table download; a system that sends more pages than this
// to a check with a handful of elements does not end its download.
const maxTablePages = 1000

// ErrEndlessTable says that a handle table download did not end.
var ErrEndlessTable = errors.New("the handle table does not end")

// Peer is an honest registrar of the group. It owns no elements.
type Peer struct {
	*script.Node
	ID     wire.ServerID
	Server wire.ServerID // the system under test, once it has spoken
}

// PeerSpec describes a peer registrar that is to be connected.
type PeerSpec struct {
	Name string // as reports show it
	ID   wire.ServerID
	// Door is the one that it comes through; the zero value is the World's choice.
	Door script.Door
	// Wrap is a position on the peer's path, see association.Dialer.
	Wrap func(net.Conn) net.Conn
}

// OpenPeer connects a peer registrar and introduces it: it announces its presence and waits
// for the presence of the system under test.
func (w *World) OpenPeer(ctx context.Context, spec PeerSpec) (*Peer, error) {
	name, id := spec.Name, spec.ID
	door := spec.Door
	if door == (script.Door{}) {
		var err error
		if door, err = w.Door(wire.ENRP); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	o, err := w.options(name, door, w.Instance.Credentials.Peer)
	if err != nil {
		return nil, err
	}
	o.Wrap = spec.Wrap
	p := &Peer{ID: id}
	o.OnMessage = func(n *script.Node, m wire.Message) bool {
		if answer := p.answer(n, m); answer != nil {
			_ = n.Send(context.WithoutCancel(ctx), answer) // an ended association shows in the next request
		}
		_, update := m.(*wire.HandleUpdate)
		return update && w.Blind
	}
	if p.Node, err = w.open(ctx, o); err != nil {
		return nil, err
	}
	m, err := p.Request(ctx, p.presence(p.Node, 0, true), func(m wire.Message) bool {
		_, ok := m.(*wire.Presence)
		return ok
	})
	if err != nil {
		p.Abort()
		return nil, fmt.Errorf("introduce %s: %w", name, err)
	}
	p.Server = m.(*wire.Presence).Sender
	return p, nil
}

// answer is what a registrar without elements and other peers answers: the system under
// test may have chosen it as its mentor.
func (p *Peer) answer(n *script.Node, m wire.Message) wire.Message {
	switch m := m.(type) {
	case *wire.Presence:
		if m.ReplyRequired {
			return p.presence(n, m.Sender, false)
		}
	case *wire.ListRequest:
		return &wire.ListResponse{Sender: p.ID, Receiver: m.Sender}
	case *wire.HandleTableRequest:
		return &wire.HandleTableResponse{Sender: p.ID, Receiver: m.Sender}
	}
	return nil
}

// presence has checksum and server information, although both are optional, since rsplib
// refuses a presence without them.
func (p *Peer) presence(n *script.Node, to wire.ServerID, reply bool) *wire.Presence {
	local := n.Info().Local
	return &wire.Presence{
		Sender: p.ID, Receiver: to, ReplyRequired: reply,
		Checksum: handlespace.New(handlespace.Options{Server: p.ID}).Checksum(p.ID), HasChecksum: true,
		HasServer: true, Server: wire.ServerInformation{ID: p.ID, Transport: wire.Transport{
			Kind: wire.TransportSCTP, Port: local.Port(), Addrs: []netip.Addr{local.Addr().Unmap()},
		}},
	}
}

// Table downloads the handle table of the system under test.
func (p *Peer) Table(ctx context.Context) ([]wire.PoolEntry, error) {
	var pools []wire.PoolEntry
	for range maxTablePages {
		m, err := p.Request(ctx, &wire.HandleTableRequest{Sender: p.ID, Receiver: p.Server}, func(m wire.Message) bool {
			_, ok := m.(*wire.HandleTableResponse)
			return ok
		})
		if err != nil {
			return nil, fmt.Errorf("download handle table: %w", err)
		}
		page := m.(*wire.HandleTableResponse)
		if page.Reject {
			return nil, fmt.Errorf("download handle table: %w", ErrRejected)
		}
		pools = append(pools, page.Pools...)
		if !page.More {
			return pools, nil
		}
	}
	return nil, fmt.Errorf("%w after %d pages", ErrEndlessTable, maxTablePages)
}

// Servers asks for the list of peers that the system under test knows.
func (p *Peer) Servers(ctx context.Context) ([]wire.ServerInformation, error) {
	m, err := p.Request(ctx, &wire.ListRequest{Sender: p.ID, Receiver: p.Server}, func(m wire.Message) bool {
		_, ok := m.(*wire.ListResponse)
		return ok
	})
	if err != nil {
		return nil, fmt.Errorf("ask for the server list: %w", err)
	}
	r := m.(*wire.ListResponse)
	if r.Reject {
		return nil, fmt.Errorf("ask for the server list: %w", ErrRejected)
	}
	return r.Servers, nil
}

// Presence is what the peer says of itself; reply asks for an answer.
func (p *Peer) Presence(reply bool) *wire.Presence { return p.presence(p.Node, p.Server, reply) }

// Update says of pe that its home is the peer, and that it was added or removed.
func (p *Peer) Update(action wire.UpdateAction, pool string, pe wire.PoolElement) *wire.HandleUpdate {
	local := p.Info().Local
	pe.Home, pe.HasASAP = p.ID, true
	pe.ASAP = wire.Transport{Kind: wire.TransportSCTP, Port: local.Port(), Addrs: []netip.Addr{local.Addr().Unmap()}}
	return &wire.HandleUpdate{Sender: p.ID, Action: action, PoolHandle: []byte(pool), Element: pe}
}
