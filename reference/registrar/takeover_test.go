// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// inits counts the attempts that have been announced.
func (n *node) inits() int {
	n.t.Helper()
	count := 0
	for _, m := range n.pending() {
		switch m.(type) {
		case *wire.InitTakeover:
			count++
		case *wire.TakeoverServer:
			n.t.Fatalf("got %+v without agreement", m)
		}
	}
	return count
}

func TestTakeoverNeedsEveryPeersAgreement(t *testing.T) {
	in(t, func(c *registrar.Config) {
		quiet(c)
		c.Timers.PeerHeartbeat = heartbeat
	}, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		third := connectPeer(t, r, "third", thirdID)
		for range 6 {
			time.Sleep(10 * time.Second)
			third.send(&wire.Presence{Sender: thirdID})
		}
		time.Sleep(lastHeard + noResponse - time.Minute)
		if n := third.inits(); n != 1 {
			t.Fatalf("%d attempts", n)
		}
		time.Sleep(noResponse)
		synctest.Wait()
		peer.pending()
		select {
		case <-peer.assoc.Done():
		default:
			t.Fatal("the association with a peer that only others hear is dead, and has to end")
		}
		third.send(&wire.Presence{Sender: thirdID})
		time.Sleep(heartbeat - aMoment)
		if n := third.inits(); n != 0 {
			t.Fatal("another attempt too early")
		}
		time.Sleep(aMoment)
		if n := third.inits(); n != 1 {
			t.Fatalf("%d further attempts a heartbeat later", n)
		}
	})
}

func TestTargetThatSpeaksStopsTheTakeover(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		for range 6 {
			time.Sleep(10 * time.Second)
			third.send(&wire.Presence{Sender: thirdID})
		}
		time.Sleep(lastHeard + noResponse - time.Minute)
		third.one() // the init takeover
		peer.send(&wire.Presence{Sender: peerID})
		synctest.Wait()
		third.send(&wire.InitTakeoverAck{Sender: thirdID, Receiver: serverID, Target: peerID})
		third.none("after the target has spoken")
		if s := r.Stats(); s.Takeovers != 0 || s.Peers != 2 {
			t.Fatalf("%+v", s)
		}
	})
}

// TestArbitration: both take over the same target; their messages cross (RFC 5353 section
// 3.5.1 rule 2, and the other way round as existing implementations have it).
func TestArbitration(t *testing.T) {
	for _, row := range []struct {
		name        string
		arbitration registrar.Arbitration
		rival       wire.ServerID
		yields      bool
	}{
		{"RFC, the rival is larger", registrar.LargerIDWins, thirdID, true},
		{"RFC, the rival is smaller", registrar.LargerIDWins, smallID, false},
		{"rsplib, the rival is larger", registrar.SmallerIDWins, thirdID, false},
		{"rsplib, the rival is smaller", registrar.SmallerIDWins, smallID, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			in(t, func(c *registrar.Config) { quiet(c); c.Arbitration = row.arbitration }, func(t *testing.T, r *registrar.Registrar) {
				introduce(t, r)
				rival := connectPeer(t, r, "any", row.rival)
				for range 6 {
					time.Sleep(10 * time.Second)
					rival.send(&wire.Presence{Sender: row.rival})
				}
				time.Sleep(lastHeard + noResponse - time.Minute)
				rival.one() // our init takeover
				rival.send(&wire.InitTakeover{Sender: row.rival, Target: peerID})
				if !row.yields {
					rival.none("the rival has to give in")
					return
				}
				if m, ok := rival.one().(*wire.InitTakeoverAck); !ok || m.Target != peerID {
					t.Fatalf("got %+v, want an acknowledgement", m)
				}
				rival.send(&wire.InitTakeoverAck{Sender: row.rival, Target: peerID}) // too late for ours
				rival.none("after giving in")
			})
		})
	}
}

func TestTakeoverOfAPeerThatIsHeardIsNotAcknowledged(t *testing.T) {
	for name, reset := range map[string]bool{"connected": false, "its association was reset": true} {
		t.Run(name, func(t *testing.T) { heardTarget(t, reset) })
	}
}

func heardTarget(t *testing.T, reset bool) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		pe := peerElement(9)
		pe.Life = elementLife
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.AddPE, PoolHandle: []byte(pool), Element: pe})
		synctest.Wait()
		if reset {
			_ = peer.assoc.Abort("reset by an attacker")
			synctest.Wait()
		}
		third.send(&wire.InitTakeover{Sender: thirdID, Target: peerID})
		third.send(&wire.TakeoverServer{Sender: thirdID, Target: peerID})
		third.none("the target is heard")
		if s := r.Snapshot(); len(s) != 1 || s[0].PE.Home != peerID {
			t.Fatalf("%+v", s)
		}
	})
}

func TestTakeoverThatNobodyAgreedToIsRefused(t *testing.T) {
	for _, agreed := range []bool{false, true} {
		in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
			peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
			pe := peerElement(9)
			pe.Life = elementLife
			peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.AddPE, PoolHandle: []byte(pool), Element: pe})
			synctest.Wait()
			_ = peer.assoc.Abort("killed")
			time.Sleep(lastHeard + aMoment)
			third.pending() // our own attempt, which it does not agree to
			if agreed {
				third.send(&wire.InitTakeover{Sender: thirdID, Target: peerID})
				if m, ok := third.one().(*wire.InitTakeoverAck); !ok || m.Target != peerID {
					t.Fatalf("got %+v, want an acknowledgement", m)
				}
			}
			third.send(&wire.TakeoverServer{Sender: thirdID, Target: peerID})
			synctest.Wait()
			want := peerID
			if agreed {
				want = thirdID
			}
			if s := r.Snapshot(); len(s) != 1 || s[0].PE.Home != want {
				t.Fatalf("agreed %t: %+v", agreed, s)
			}
		})
	}
}

// TestTargetIsNotForgottenWithItsInitiator: RFC 5353 stops to monitor a target that another
// registrar takes over; if that one does not go on, somebody has to.
func TestTargetIsNotForgottenWithItsInitiator(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		_ = peer.assoc.Abort("killed")
		time.Sleep(lastHeard + aMoment)
		third.pending() // our own attempt
		third.send(&wire.InitTakeover{Sender: thirdID, Target: peerID})
		if _, ok := third.one().(*wire.InitTakeoverAck); !ok {
			t.Fatal("not acknowledged")
		}
		_ = third.assoc.Abort("killed as well")
		time.Sleep(4 * lastHeard)
		if s := r.Stats(); s.Takeovers != 2 || s.Peers != 0 {
			t.Fatalf("%+v, want both taken over", s)
		}
	})
}

// TestElementsThatRegisteredElsewhereDoNotGoToTheNewHome: they noticed the failure of their
// home before the registrars did.
func TestElementsThatRegisteredElsewhereDoNotGoToTheNewHome(t *testing.T) {
	for name, ours := range map[string]bool{"we take over": true, "a peer takes over": false} {
		t.Run(name, func(t *testing.T) {
			in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
				target, third, other := introduce(t, r), connectPeer(t, r, "third", thirdID), connectPeer(t, r, "any", smallID)
				target.send(add(peerID, lasting(1)))
				target.send(add(peerID, lasting(2)))
				synctest.Wait()
				other.send(add(smallID, lasting(1))) // it has registered there
				for range 6 {
					time.Sleep(10 * time.Second)
					third.send(&wire.Presence{Sender: thirdID})
					other.send(&wire.Presence{Sender: smallID})
				}
				wantHomes(t, r, map[wire.PEID]wire.ServerID{1: peerID, 2: peerID})
				time.Sleep(lastHeard + noResponse - time.Minute)
				synctest.Wait()
				want := map[wire.PEID]wire.ServerID{1: smallID, 2: serverID}
				if ours {
					third.send(&wire.InitTakeoverAck{Sender: thirdID, Target: peerID})
					other.send(&wire.InitTakeoverAck{Sender: smallID, Target: peerID})
				} else {
					third.send(&wire.InitTakeover{Sender: thirdID, Target: peerID})
					third.send(&wire.TakeoverServer{Sender: thirdID, Target: peerID})
					want[2] = thirdID
				}
				wantHomes(t, r, want)
			})
		})
	}
}
