// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestServerIDBelongsToOneIdentity: a registrar with a key of its own is still not another.
func TestServerIDBelongsToOneIdentity(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		insider := connect(t, r, wire.ENRP, unknownHost, "any") // may use any ID that is nobody's
		insider.send(&wire.Presence{Sender: peerID, ReplyRequired: true})
		insider.send(add(peerID, lasting(1)))
		insider.none("it speaks as the peer")
		peer.none("an insider spoke")
		wantHomes(t, r, map[wire.PEID]wire.ServerID{})
	})
}

func TestAssociationSpeaksForOneServerID(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		insider := connectPeer(t, r, "any", smallID)
		insider.send(add(smallID, lasting(1)))
		insider.send(add(thirdID, lasting(2)))
		wantHomes(t, r, map[wire.PEID]wire.ServerID{1: smallID})
		if n := r.Stats().Peers; n != 1 {
			t.Fatalf("%d peers over one association", n)
		}
	})
}

func TestServerIDIsNotOurOwn(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		insider := connect(t, r, wire.ENRP, unknownHost, "any")
		insider.send(&wire.Presence{Sender: serverID, ReplyRequired: true})
		insider.none("it uses our server ID")
	})
}

// TestPeerThatWasRestartedIsSpokenToOverItsNewAssociation: the old one may not be known dead yet.
func TestPeerThatWasRestartedIsSpokenToOverItsNewAssociation(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		before := introduce(t, r)
		now := connect(t, r, wire.ENRP, peerHost, "peer")
		now.send(&wire.Presence{Sender: peerID})
		synctest.Wait()
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		before.none("there is a newer association")
		if _, ok := now.one().(*wire.HandleUpdate); !ok {
			t.Fatal("no update over the newer association")
		}
		_ = now.assoc.Abort("gone")
		synctest.Wait()
		alice.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE})
		if _, ok := before.one().(*wire.HandleUpdate); !ok {
			t.Fatal("no update over the association that is left")
		}
	})
}

func TestPeerThatAnswersTheQuestionLives(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		for range 3 {
			time.Sleep(lastHeard)
			if m, ok := peer.one().(*wire.Presence); !ok || !m.ReplyRequired {
				t.Fatalf("got %+v, want a question", m)
			}
			time.Sleep(noResponse - aMoment)
			peer.send(&wire.Presence{Sender: peerID})
			time.Sleep(aMoment)
			peer.none("it has answered in time")
		}
		if s := r.Stats(); s.Peers != 1 || s.Takeovers != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

// TestPeersThatDieTogetherDoNotBlockTheTakeover: the second cannot agree to the first's.
func TestPeersThatDieTogetherDoNotBlockTheTakeover(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		introduce(t, r)
		time.Sleep(2 * time.Second)
		connectPeer(t, r, "third", thirdID)
		time.Sleep(lastHeard + noResponse + aMoment)
		if s := r.Stats(); s.Takeovers != 2 || s.Peers != 0 {
			t.Fatalf("%+v, want both taken over as soon as the second is dead", s)
		}
	})
}

// TestWinnerOfTheArbitrationAmongOthersIsAgreedWith: two others want the same target; only the
// one that will win is agreed with, so that there is one takeover.
func TestWinnerOfTheArbitrationAmongOthersIsAgreedWith(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		const target = wire.ServerID(0x4711) // nobody here knows it
		small, large := connectPeer(t, r, "any", smallID), connectPeer(t, r, "third", thirdID)
		small.send(&wire.InitTakeover{Sender: smallID, Target: target})
		if _, ok := small.one().(*wire.InitTakeoverAck); !ok {
			t.Fatal("the first is not acknowledged")
		}
		large.send(&wire.InitTakeover{Sender: thirdID, Target: target})
		if _, ok := large.one().(*wire.InitTakeoverAck); !ok {
			t.Fatal("the one that will win is not acknowledged")
		}
		small.send(&wire.InitTakeover{Sender: smallID, Target: target})
		small.none("the other one wins")
		before := r.Stats().Refused["peer"]
		small.send(&wire.TakeoverServer{Sender: smallID, Target: target})
		synctest.Wait()
		if n := r.Stats().Refused["peer"]; n != before+1 {
			t.Fatal("the takeover of the one that lost counts")
		}
	})
}

// TestTargetThatIsHeardAgainIsNotGivenUp: we agreed to its takeover when it was silent.
func TestTargetThatIsHeardAgainIsNotGivenUp(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		peer.send(add(peerID, lasting(1)))
		for range 7 {
			time.Sleep(10 * time.Second)
			third.send(&wire.Presence{Sender: thirdID})
		}
		synctest.Wait()
		third.pending()
		third.send(&wire.InitTakeover{Sender: thirdID, Target: peerID})
		if _, ok := third.one().(*wire.InitTakeoverAck); !ok {
			t.Fatal("not acknowledged")
		}
		peer.send(&wire.Presence{Sender: peerID})
		synctest.Wait()
		third.send(&wire.TakeoverServer{Sender: thirdID, Target: peerID})
		wantHomes(t, r, map[wire.PEID]wire.ServerID{1: peerID})
	})
}

func TestMessageForAnotherRegistrarIsIgnored(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		m := add(peerID, lasting(1))
		m.Receiver = thirdID
		peer.send(m)
		wantHomes(t, r, map[wire.PEID]wire.ServerID{})
		m.Receiver = serverID
		peer.send(m)
		wantHomes(t, r, map[wire.PEID]wire.ServerID{1: peerID})
	})
}
