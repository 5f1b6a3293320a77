// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// introduce connects the peer registrar and takes the presence that greets it.
func introduce(t *testing.T, r *registrar.Registrar) *node {
	t.Helper()
	p := connect(t, r, wire.ENRP, peerHost, "peer")
	m, ok := p.ask(&wire.Presence{Sender: peerID}).(*wire.Presence)
	if !ok || m.Sender != serverID || !m.ReplyRequired {
		t.Fatalf("got %+v, want a presence that asks for one (RFC 5353 section 3.4.1)", m)
	}
	return p
}

func peerElement(id wire.PEID) wire.PoolElement {
	pe := element(id, peerHost)
	pe.Home, pe.HasASAP = peerID, true
	pe.ASAP = wire.Transport{Kind: wire.TransportSCTP, Port: 3863, Addrs: []netip.Addr{peerHost}}
	return pe
}

func TestPeerHearsOfRegistrationAndRemoval(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		peer, alice := introduce(t, r), connect(t, r, wire.ASAP, aliceHost, "alice")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		m, ok := peer.next().(*wire.HandleUpdate)
		if !ok || m.Action != wire.AddPE || m.Element.ID != alicePE || m.Element.Home != serverID || m.Receiver != 0 || !m.Element.HasASAP {
			t.Fatalf("got %+v, want ADD_PE", m)
		}
		alice.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE})
		if m, ok := peer.next().(*wire.HandleUpdate); !ok || m.Action != wire.DelPE || m.Element.ID != alicePE {
			t.Fatalf("got %+v, want DEL_PE", m)
		}
	})
}

func TestPeerDownloadsTheHandleTableInPages(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		const elements = 100
		for id := range elements {
			alice.ask(registration(pool, element(wire.PEID(id+1), aliceHost)))
		}
		peer := introduce(t, r)
		seen, pages := map[wire.PEID]bool{}, 0
		for more := true; more; pages++ {
			m, ok := peer.ask(&wire.HandleTableRequest{Sender: peerID, Receiver: serverID}).(*wire.HandleTableResponse)
			if !ok || m.Reject {
				t.Fatalf("got %+v", m)
			}
			for _, p := range m.Pools {
				for _, e := range p.Elements {
					seen[e.ID] = true
				}
			}
			more = m.More
		}
		if len(seen) != elements || pages < 2 {
			t.Fatalf("%d elements in %d pages, want %d in several", len(seen), pages, elements)
		}
	})
}

func TestPeerSpeaksForItsOwnElementsOnly(t *testing.T) {
	foreign := peerElement(9)
	foreign.Home = 0x99
	for _, row := range []struct {
		name string
		m    wire.Message
	}{
		{"adds an element of another home", &wire.HandleUpdate{Sender: peerID, Action: wire.AddPE, PoolHandle: []byte(pool), Element: foreign}},
		{"removes an element of ours", &wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: peerElement(alicePE)}},
		{"speaks as another server", &wire.HandleUpdate{Sender: 0x99, Action: wire.AddPE, PoolHandle: []byte(pool), Element: foreign}},
		{"takes us over while we live", &wire.TakeoverServer{Sender: peerID, Target: serverID}},
	} {
		t.Run(row.name, func(t *testing.T) {
			in(t, nil, func(t *testing.T, r *registrar.Registrar) {
				alice, peer := connect(t, r, wire.ASAP, aliceHost, "alice"), introduce(t, r)
				alice.ask(registration(pool, element(alicePE, aliceHost)))
				peer.next() // the update about alice
				peer.send(row.m)
				peer.ask(&wire.ListRequest{Sender: peerID}) // the update has been dealt with
				got := resolve(alice, pool)
				if len(got.Elements) != 1 || got.Elements[0].ID != alicePE || got.Elements[0].Home != serverID {
					t.Fatalf("the pool has changed: %+v", got.Elements)
				}
			})
		})
	}
}

func TestPeerAddsAndRemovesItsElements(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		peer, user := introduce(t, r), connect(t, r, wire.ASAP, bobHost, "")
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.AddPE, PoolHandle: []byte(pool), Element: peerElement(9)})
		peer.ask(&wire.ListRequest{Sender: peerID})
		if got := resolve(user, pool); len(got.Elements) != 1 || got.Elements[0].Home != peerID {
			t.Fatalf("after ADD_PE: %+v", got.Elements)
		}
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: peerElement(9)})
		peer.ask(&wire.ListRequest{Sender: peerID})
		if got := resolve(user, pool); len(got.Elements) != 0 {
			t.Fatalf("after DEL_PE: %+v", got.Elements)
		}
	})
}

func TestOnlyAPeerRegistrarSpeaksENRP(t *testing.T) {
	for _, identity := range []string{"clear", "", "alice"} {
		for _, m := range []wire.Message{
			&wire.Presence{Sender: 0x99, ReplyRequired: true},
			&wire.HandleTableRequest{Sender: 0x99},
			&wire.ListRequest{Sender: 0x99},
			&wire.HandleUpdate{Sender: 0x99, Action: wire.AddPE, PoolHandle: []byte(pool), Element: peerElement(9)},
		} {
			t.Run(fmt.Sprintf("%s as %q", m.Name(), identity), func(t *testing.T) {
				in(t, nil, func(t *testing.T, r *registrar.Registrar) {
					if got := connect(t, r, wire.ENRP, unknownHost, identity).ask(m); got != nil {
						t.Fatalf("answered with %+v", got)
					}
					if n := r.Stats().Refused["permission"]; n != 1 {
						t.Fatalf("%d refusals", n)
					}
				})
			})
		}
	}
}

func TestRegistrarObjectsToItsOwnTakeover(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		peer.send(&wire.InitTakeover{Sender: peerID, Target: serverID})
		if m, ok := peer.one().(*wire.Presence); !ok || m.Sender != serverID { // at once, not with the next heartbeat
			t.Fatalf("got %+v, want a presence (RFC 5353 section 3.5.1)", m)
		}
	})
}
