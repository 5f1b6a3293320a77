// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// lasting is an element of the peer that does not expire.
func lasting(id wire.PEID) wire.PoolElement {
	pe := peerElement(id)
	pe.Life = elementLife
	return pe
}

func add(from wire.ServerID, pe wire.PoolElement) *wire.HandleUpdate {
	pe.Home = from
	return &wire.HandleUpdate{Sender: from, Action: wire.AddPE, PoolHandle: []byte(pool), Element: pe}
}

// homes lists which home each element has.
func homes(r *registrar.Registrar) map[wire.PEID]wire.ServerID {
	synctest.Wait()
	m := make(map[wire.PEID]wire.ServerID)
	for _, e := range r.Snapshot() {
		m[e.PE.ID] = e.PE.Home
	}
	return m
}

func wantHomes(t *testing.T, r *registrar.Registrar, want map[wire.PEID]wire.ServerID) {
	t.Helper()
	got := homes(r)
	for id, home := range want {
		if got[id] != home {
			t.Errorf("element %s has home %s, want %s", id, got[id], home)
		}
	}
	if len(got) != len(want) {
		t.Errorf("elements %v, want %v", got, want)
	}
}

func TestChecksumThatDiffersCausesReSynchronization(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		peer.send(add(peerID, lasting(1)))
		peer.send(add(peerID, lasting(2)))
		peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0x1234})
		for page, pools := range [][]wire.PoolElement{{lasting(2)}, {lasting(3)}} {
			m, ok := peer.one().(*wire.HandleTableRequest)
			if !ok || !m.OwnChildrenOnly {
				t.Fatalf("got %+v, want a request for the peer's own elements (RFC 5353 section 3.6.3)", m)
			}
			peer.send(&wire.HandleTableResponse{Sender: peerID, Receiver: serverID, More: page == 0, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: pools}}})
		}
		wantHomes(t, r, map[wire.PEID]wire.ServerID{2: peerID, 3: peerID})
	})
}

func TestChecksumThatIsRightCausesNothing(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		peer.send(add(peerID, lasting(alicePE)))
		peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0x29a5}) // EchoPool/0x12345678
		peer.none("the checksum is right")
	})
}

// TestReSynchronizationThatFailsRemovesNothing: a peer that rejects, or breaks off, has said nothing
// about its elements.
func TestReSynchronizationThatFailsRemovesNothing(t *testing.T) {
	page := func(more bool) *wire.HandleTableResponse {
		return &wire.HandleTableResponse{Sender: peerID, Receiver: serverID, More: more, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{lasting(2)}}}}
	}
	for name, answer := range map[string]wire.Message{
		"rejected":            &wire.HandleTableResponse{Sender: peerID, Receiver: serverID, Reject: true},
		"broken off":          page(true),
		"without an answer":   nil,
		"answered by error":   &wire.ENRPError{Sender: peerID, Receiver: serverID, Causes: []wire.Cause{{Code: wire.CauseLackOfResources}}},
		"endless empty pages": &wire.HandleTableResponse{Sender: peerID, Receiver: serverID, More: true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
				peer := introduce(t, r)
				peer.send(add(peerID, lasting(1)))
				peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0x1234})
				synctest.Wait()
				peer.pending()
				want := map[wire.PEID]wire.ServerID{1: peerID}
				if answer != nil {
					peer.send(answer)
					if name == "broken off" {
						want[2] = peerID
					}
				}
				if name == "endless empty pages" {
					peer.none("it would go on for ever")
				}
				if answer == nil || name == "broken off" {
					time.Sleep(noResponse + aMoment)
				}
				wantHomes(t, r, want)
				peer.pending()
				peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0x1234})
				if _, ok := peer.one().(*wire.HandleTableRequest); !ok {
					t.Fatal("the next presence does not begin another")
				}
			})
		})
	}
}

// TestTableNobodyAskedForIsIgnored: an insider cannot push a handle table.
func TestTableNobodyAskedForIsIgnored(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		peer.send(&wire.HandleTableResponse{Sender: peerID, Receiver: serverID, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{lasting(2)}}}})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{})
	})
}

// TestPeerCannotClaimALiveElement: not ours, and not that of another peer that is heard.
func TestPeerCannotClaimALiveElement(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := element(alicePE, aliceHost)
		pe.Life = elementLife
		alice.ask(registration(pool, pe))
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		peer.send(add(peerID, lasting(2)))
		synctest.Wait()
		third.send(add(thirdID, lasting(alicePE)))
		third.send(add(thirdID, lasting(2)))
		wantHomes(t, r, map[wire.PEID]wire.ServerID{alicePE: serverID, 2: peerID})
		if m, ok := peer.one().(*wire.Presence); !ok || !m.ReplyRequired {
			t.Fatalf("got %+v: its home has to be asked", m)
		}
		// The home still has it: the claim is void, whatever becomes of the element later.
		peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0})
		peer.one()
		peer.send(&wire.HandleTableResponse{Sender: peerID, Receiver: serverID, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{lasting(2)}}}})
		synctest.Wait()
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: lasting(2)})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{alicePE: serverID})
	})
}

// TestPeerCannotClaimWhileTheHomeIsNotConnected: who can end an association must not get its
// elements. The claim holds when the home lets go, or is silent for too long.
func TestPeerCannotClaimWhileTheHomeIsNotConnected(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		peer.send(add(peerID, lasting(2)))
		peer.send(add(peerID, lasting(3)))
		synctest.Wait()
		peer.assoc.Abort("cut")
		synctest.Wait()
		third.send(add(thirdID, lasting(2)))
		third.send(add(thirdID, lasting(3)))
		wantHomes(t, r, map[wire.PEID]wire.ServerID{2: peerID, 3: peerID})

		peer = connect(t, r, wire.ENRP, peerHost, "peer") // it is back, and has only 3
		peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0})
		peer.one()
		peer.send(&wire.HandleTableResponse{Sender: peerID, Receiver: serverID, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{lasting(3)}}}})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{2: thirdID, 3: peerID})

		peer.assoc.Abort("cut for good")
		synctest.Wait()
		third.send(add(thirdID, lasting(3)))
		wantHomes(t, r, map[wire.PEID]wire.ServerID{2: thirdID, 3: peerID})
		for silent := time.Duration(0); silent < lastHeard+2*noResponse; silent += noResponse {
			time.Sleep(noResponse)
			third.send(&wire.Presence{Sender: thirdID})
			for _, m := range third.pending() {
				if m, ok := m.(*wire.InitTakeover); ok {
					third.send(&wire.InitTakeoverAck{Sender: thirdID, Receiver: serverID, Target: m.Target})
				}
			}
		}
		wantHomes(t, r, map[wire.PEID]wire.ServerID{2: thirdID, 3: thirdID})
	})
}

// TestElementMovesWhenItsHomeLetsGo: by its absence in an audit, by an update, or by the end
// of its association with us.
func TestElementMovesWhenItsHomeLetsGo(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := element(alicePE, aliceHost)
		pe.Life = elementLife
		alice.ask(registration(pool, pe))
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		peer.send(add(peerID, lasting(2)))
		peer.send(add(peerID, lasting(3)))
		synctest.Wait()
		third.send(add(thirdID, lasting(2)))
		third.send(add(thirdID, lasting(3)))
		synctest.Wait()
		peer.pending()
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: lasting(3)})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{alicePE: serverID, 2: peerID, 3: thirdID})
		peer.send(&wire.Presence{Sender: peerID, HasChecksum: true, Checksum: 0xffff}) // of no elements
		peer.one()
		peer.send(&wire.HandleTableResponse{Sender: peerID, Receiver: serverID})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{alicePE: serverID, 2: thirdID, 3: thirdID})
		_ = alice.assoc.Abort("moved to the third")
		synctest.Wait()
		third.send(add(thirdID, lasting(alicePE)))
		wantHomes(t, r, map[wire.PEID]wire.ServerID{alicePE: thirdID, 2: thirdID, 3: thirdID})
	})
}

// TestContestedClaimsAreLimited: neither a home nor our memory is flooded by an insider.
func TestContestedClaimsAreLimited(t *testing.T) {
	in(t, func(c *registrar.Config) {
		quiet(c)
		c.Limits = registrar.DefaultLimits()
		c.Limits.MaxContested = 2
	}, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		const elements = 20
		for id := range wire.PEID(elements) {
			peer.send(add(peerID, lasting(id+1)))
		}
		synctest.Wait()
		for id := range wire.PEID(elements) {
			third.send(add(thirdID, lasting(id+1)))
		}
		if list := peer.pending(); len(list) != 1 {
			t.Fatalf("%d questions to the home within a second", len(list))
		}
		time.Sleep(registrar.DefaultTimers().KeepAliveSpacing)
		third.send(add(thirdID, lasting(1)))
		peer.one() // but it is asked again
		for id := range wire.PEID(elements) {
			peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.DelPE, PoolHandle: []byte(pool), Element: lasting(id + 1)})
		}
		wantHomes(t, r, map[wire.PEID]wire.ServerID{1: thirdID, 2: thirdID}) // the others with the next audit
	})
}
