// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// The defaults of RFC 5353 section 4.2.
const (
	heartbeat   = 30 * time.Second
	lastHeard   = 61 * time.Second
	noResponse  = 5 * time.Second
	thirdID     = wire.ServerID(0x66778899)
	smallID     = wire.ServerID(0x00000001)
	aMoment     = time.Millisecond
	elementLife = -1
)

// connectPeer introduces another peer registrar than introduce does.
func connectPeer(t *testing.T, r *registrar.Registrar, identity string, id wire.ServerID) *node {
	t.Helper()
	p := connect(t, r, wire.ENRP, unknownHost, identity)
	if m, ok := p.ask(&wire.Presence{Sender: id}).(*wire.Presence); !ok || !m.ReplyRequired {
		t.Fatalf("got %+v, want a presence that asks for one", m)
	}
	return p
}

// pending returns what has come, without waiting in virtual time.
func (n *node) pending() []wire.Message {
	n.t.Helper()
	synctest.Wait()
	var list []wire.Message
	for {
		select {
		case m := <-n.assoc.Incoming():
			message, err := wire.Decode(n.proto, m.Payload, nil)
			if err != nil {
				n.t.Fatal(err)
			}
			list = append(list, message)
		default:
			return list
		}
	}
}

// one returns the only message that has come.
func (n *node) one() wire.Message {
	n.t.Helper()
	list := n.pending()
	if len(list) != 1 {
		n.t.Fatalf("%d messages have come, want one: %v", len(list), list)
	}
	return list[0]
}

// none fails if anything has come.
func (n *node) none(when string) {
	n.t.Helper()
	for _, m := range n.pending() {
		n.t.Fatalf("%s: got %s %+v", when, m.Name(), m)
	}
}

func TestPresenceIsAnnouncedEveryHeartbeatCycle(t *testing.T) {
	in(t, func(c *registrar.Config) { c.Timers.KeepAlive = 1000 * time.Hour }, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		pe := element(alicePE, aliceHost)
		pe.Life = elementLife
		alice.ask(registration(pool, pe))
		peer.pending() // the update
		for range 3 {
			time.Sleep(heartbeat - aMoment)
			peer.none("before the cycle is over")
			time.Sleep(aMoment)
			m, ok := peer.one().(*wire.Presence)
			// The checksum of EchoPool/0x12345678: specs, from RFC 1071 and rsplib.
			if !ok || m.ReplyRequired || !m.HasChecksum || m.Checksum != 0x29a5 || !m.HasServer || m.Server.ID != serverID {
				t.Fatalf("got %+v, want a presence without reply required, with checksum and server", m)
			}
			peer.send(&wire.Presence{Sender: peerID})
		}
	})
}

func TestPresenceWithReplyRequiredIsAnswered(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		peer.send(&wire.Presence{Sender: peerID})
		peer.none("without the flag")
		m, ok := peer.ask(&wire.Presence{Sender: peerID, ReplyRequired: true}).(*wire.Presence)
		if !ok || m.ReplyRequired || !m.HasServer || m.Receiver != peerID {
			t.Fatalf("got %+v, want a presence with server information (RFC 5353 section 2.1)", m)
		}
	})
}

// quiet makes everybody but the registrar's failure detection silent: no heartbeat comes in between.
func quiet(c *registrar.Config) {
	c.Timers = registrar.DefaultTimers()
	c.Timers.PeerHeartbeat = 1000 * time.Hour
	c.Timers.KeepAlive = 1000 * time.Hour
}

func TestSilentPeerIsAskedAndThenTakenOver(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		third := connectPeer(t, r, "third", thirdID)
		pe := peerElement(9)
		pe.Life = elementLife
		peer.send(&wire.HandleUpdate{Sender: peerID, Action: wire.AddPE, PoolHandle: []byte(pool), Element: pe})
		speak := func(d time.Duration) { // the third peer is heard all the time
			for end := time.Now().Add(d); time.Now().Before(end); {
				third.send(&wire.Presence{Sender: thirdID})
				time.Sleep(min(10*time.Second, time.Until(end)))
			}
		}
		speak(lastHeard - aMoment)
		peer.none("before MAX-TIME-LAST-HEARD")
		time.Sleep(aMoment)
		if m, ok := peer.one().(*wire.Presence); !ok || !m.ReplyRequired {
			t.Fatalf("got %+v, want a question (RFC 5353 section 3.4.3)", m)
		}
		speak(noResponse - aMoment)
		third.none("before MAX-TIME-NO-RESPONSE")
		time.Sleep(aMoment)
		for _, p := range []*node{third, peer} { // the target may object
			if m, ok := p.one().(*wire.InitTakeover); !ok || m.Target != peerID || m.Sender != serverID {
				t.Fatalf("got %+v, want an init takeover", m)
			}
		}
		third.send(&wire.InitTakeoverAck{Sender: thirdID, Receiver: serverID, Target: peerID})
		synctest.Wait()
		found := false
		for _, m := range third.pending() {
			m, ok := m.(*wire.TakeoverServer)
			found = found || ok && m.Target == peerID
		}
		if s := r.Snapshot(); !found || len(s) != 1 || s[0].PE.Home != serverID {
			t.Fatalf("takeover declared: %t, handlespace: %+v", found, s)
		}
	})
}
