// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// fill registers so many elements that the table takes several pages.
func fill(t *testing.T, r *registrar.Registrar) {
	t.Helper()
	alice := connect(t, r, wire.ASAP, aliceHost, "alice")
	for id := range 100 {
		pe := element(wire.PEID(id+1), aliceHost)
		pe.Life = elementLife
		alice.ask(registration(pool, pe))
	}
}

func firstID(t *testing.T, p *node, own bool) wire.PEID {
	t.Helper()
	p.send(&wire.HandleTableRequest{Sender: p.id(), OwnChildrenOnly: own})
	m := want[*wire.HandleTableResponse](p)
	if m.Reject || !m.More || len(m.Pools) == 0 {
		t.Fatalf("got %+v, want a page of several", m)
	}
	return m.Pools[0].Elements[0].ID
}

// id is the server ID of the peer, by its address.
func (n *node) id() wire.ServerID {
	if n.addr == peerHost {
		return peerID
	}
	return thirdID
}

func TestDownloadThatPausesTooLongBeginsAnew(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		fill(t, r)
		peer := introduce(t, r)
		first := firstID(t, peer, false)
		time.Sleep(registrar.DefaultTimers().TableSession - aMoment)
		second := firstID(t, peer, false)
		if second == first {
			t.Fatal("the session was over too early (RFC 5353 section 3.2.3)")
		}
		time.Sleep(registrar.DefaultTimers().TableSession + aMoment)
		if again := firstID(t, peer, false); again != first {
			t.Fatalf("began with %s after the session timer, want %s", again, first)
		}
	})
}

func TestRequestForTheOtherTableBeginsAnew(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		fill(t, r)
		peer := introduce(t, r)
		if first, own := firstID(t, peer, false), firstID(t, peer, true); first != own {
			t.Fatalf("the own elements begin with %s, want %s", own, first)
		}
	})
}

func TestTooManyDownloadsAreRejected(t *testing.T) {
	in(t, func(c *registrar.Config) {
		quiet(c)
		c.Limits = registrar.DefaultLimits()
		c.Limits.MaxTableSessions = 1
	}, func(t *testing.T, r *registrar.Registrar) {
		fill(t, r)
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		first := firstID(t, peer, false)
		third.send(&wire.HandleTableRequest{Sender: thirdID})
		if m := want[*wire.HandleTableResponse](third); !m.Reject || len(m.Pools) > 0 {
			t.Fatalf("got %+v, want a rejection (RFC 5353 section 3.2.3)", m)
		}
		if second := firstID(t, peer, false); second == first {
			t.Fatal("the download under way was disturbed")
		}
		_ = peer.assoc.Abort("gone")
		synctest.Wait()
		firstID(t, third, false) // the session has ended with its association
	})
}

func TestListNamesThePeersThatAreKnown(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer, third := introduce(t, r), connectPeer(t, r, "third", thirdID)
		info := wire.ServerInformation{ID: thirdID, Transport: wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortENRPTLS, Addrs: peerElement(1).User.Addrs}}
		third.send(&wire.Presence{Sender: thirdID, HasServer: true, Server: info})
		synctest.Wait()
		peer.send(&wire.ListRequest{Sender: peerID})
		if m := want[*wire.ListResponse](peer); m.Reject || len(m.Servers) != 1 || m.Servers[0].ID != thirdID {
			t.Fatalf("got %+v, want the third (RFC 5353 section 3.2.2.2)", m)
		}
	})
}

func TestPeerListIsLimited(t *testing.T) {
	in(t, func(c *registrar.Config) {
		quiet(c)
		c.Limits = registrar.DefaultLimits()
		c.Limits.MaxPeers = 1
	}, func(t *testing.T, r *registrar.Registrar) {
		introduce(t, r)
		third := connect(t, r, wire.ENRP, unknownHost, "third")
		third.send(&wire.Presence{Sender: thirdID})
		if m := want[*wire.ENRPError](third); len(m.Causes) != 1 || m.Causes[0].Code != wire.CauseLackOfResources {
			t.Fatalf("got %+v, want lack of resources", m)
		}
		if n := r.Stats().Peers; n != 1 {
			t.Fatalf("%d peers", n)
		}
	})
}

// TestUpdateThatIsRejectedIsAnsweredWithTheCause: RFC 5353 has no answer to an update, but an
// error message for the peer's operator.
func TestUpdateThatIsRejectedIsAnsweredWithTheCause(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		fill(t, r)
		peer := introduce(t, r)
		pe := lasting(1000)
		pe.Policy = wire.Policy{Type: wire.Random}
		peer.send(add(peerID, pe))
		if m := want[*wire.ENRPError](peer); len(m.Causes) != 1 || m.Causes[0].Code != wire.CauseInconsistentPolicy || m.Receiver != peerID {
			t.Fatalf("got %+v, want an inconsistent policy", m)
		}
	})
}

// TestUnknownENRPMessagesFollowTheirActionBits: RFC 5354 sections 2 and 4, RFC 5353 section 3.7.
func TestUnknownENRPMessagesFollowTheirActionBits(t *testing.T) {
	in(t, quiet, func(t *testing.T, r *registrar.Registrar) {
		peer := introduce(t, r)
		for _, row := range []struct {
			message  []byte
			reported bool
		}{
			{[]byte{0x0b, 0, 0, 4}, false},
			{[]byte{0x7f, 0, 0, 4}, true},
			// A presence with an unknown parameter, to be skipped in silence and with a report.
			{[]byte{1, 0, 0, 16, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0x80, 0x77, 0, 4}, false},
			{[]byte{1, 0, 0, 16, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0xc0, 0x77, 0, 4}, true},
		} {
			peer.sendBytes(row.message)
			list := peer.pending()
			reported := false
			for _, m := range list {
				_, is := m.(*wire.ENRPError)
				reported = reported || is
			}
			if reported != row.reported || len(list) > 1 {
				t.Errorf("% x: answered with %v, want an error: %t", row.message, list, row.reported)
			}
		}
		if m := peer.ask(&wire.Presence{Sender: peerID, ReplyRequired: true}); m == nil {
			t.Fatal("the association has ended")
		}
	})
}
