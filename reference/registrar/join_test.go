// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// mentors are peers that the registrar dials: each test plays them.
type mentors struct {
	t    *testing.T
	came chan *node
}

var (
	mentor1 = netip.MustParseAddr("192.0.2.11")
	mentor2 = netip.MustParseAddr("192.0.2.12")
)

const (
	mentor1ID = wire.ServerID(0x11)
	mentor2ID = wire.ServerID(0x12)
)

// joining is a registrar with two mentors.
func joining(t *testing.T, f func(t *testing.T, r *registrar.Registrar, m *mentors)) {
	t.Helper()
	m := &mentors{}
	in(t, func(c *registrar.Config) {
		quiet(c)
		m.came = make(chan *node, 100) // made in the bubble
		c.Credential = &registrar.Credential{Identity: "registrar", Key: []byte("registrar's key")}
		c.Dial = m.dial
		for _, a := range []netip.Addr{mentor1, mentor2} {
			c.Peers = append(c.Peers, registrar.Peer{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(a, wire.PortENRPTLS)})
		}
	}, func(t *testing.T, r *registrar.Registrar) {
		m.t = t
		f(t, r, m)
	})
}

func (m *mentors) dial(_ context.Context, d registrar.Destination) (association.Association, error) {
	info := association.Info{
		Transport: d.Transport, Secured: d.Credential != nil, Identity: tlspsk.Identity{Kind: tlspsk.PSK},
		Local: netip.MustParseAddrPort("192.0.2.100:9902"), Remote: d.Addr, PeerAddrs: []netip.Addr{d.Addr.Addr()},
	}
	far, near := memory.Pair(info, info)
	m.came <- &node{assoc: far, proto: wire.ENRP, addr: d.Addr.Addr()}
	return near, nil
}

// next waits for the registrar to call, and takes its presence.
func (m *mentors) next(at netip.Addr) *node {
	m.t.Helper()
	n := <-m.came
	n.t = m.t
	if n.addr != at {
		m.t.Fatalf("%s was called, want %s", n.addr, at)
	}
	if p, ok := n.next().(*wire.Presence); !ok || !p.ReplyRequired || p.HasChecksum {
		m.t.Fatalf("got %+v, want a presence that asks for one, without a checksum before the download", p)
	}
	return n
}

// want takes the next message, which has to be of that type.
func want[M wire.Message](n *node) M {
	n.t.Helper()
	m := n.next()
	got, ok := m.(M)
	if !ok {
		n.t.Fatalf("got %T %+v, want %T", m, m, got)
	}
	return got
}

func inService(r *registrar.Registrar) bool {
	synctest.Wait()
	select {
	case <-r.InService():
		return true
	default:
		return false
	}
}

func TestRegistrarWithoutPeersServesAtOnce(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		if !inService(r) {
			t.Fatal("not in service (RFC 5353 section 3.2.2.1)")
		}
	})
}

func TestStartDownloadsListAndTableFromTheMentor(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		n := m.next(mentor1)
		want[*wire.ListRequest](n)
		third := netip.MustParseAddr("192.0.2.13")
		n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID, Servers: []wire.ServerInformation{
			{ID: 0x13, Transport: wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortENRPTLS, Addrs: []netip.Addr{third}}},
		}})
		for page := range 3 {
			if q := want[*wire.HandleTableRequest](n); q.OwnChildrenOnly {
				t.Fatalf("got %+v, want a request for all (RFC 5353 section 3.2.3 step 1)", q)
			}
			if inService(r) {
				t.Fatal("in service before the last page")
			}
			pe := lasting(wire.PEID(page + 1))
			pe.Home = mentor1ID
			n.send(&wire.HandleTableResponse{Sender: mentor1ID, Receiver: serverID, More: page < 2, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{pe}}}})
		}
		wantHomes(t, r, map[wire.PEID]wire.ServerID{1: mentor1ID, 2: mentor1ID, 3: mentor1ID})
		if !inService(r) {
			t.Fatal("not in service after the last page")
		}
		// It now calls the other configured registrar, and the one that the mentor named.
		called := map[netip.Addr]bool{(<-m.came).addr: true, (<-m.came).addr: true}
		if !called[mentor2] || !called[third] {
			t.Fatalf("called %v", called)
		}
	})
}

func TestMentorThatDoesNotHelpIsReplacedByTheBackup(t *testing.T) {
	reject := func(n *node) { n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID, Reject: true}) }
	for _, row := range []struct {
		name  string
		does  func(n *node)
		after time.Duration
	}{
		{"silent", func(*node) {}, noResponse},
		{"rejects the list", reject, 0},
		{"ends the association", func(n *node) { _ = n.assoc.Abort("no") }, 0},
		{"rejects the table", func(n *node) {
			n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID})
			want[*wire.HandleTableRequest](n)
			n.send(&wire.HandleTableResponse{Sender: mentor1ID, Receiver: serverID, Reject: true})
		}, 0},
		{"breaks the download off", func(n *node) {
			n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID})
			want[*wire.HandleTableRequest](n)
		}, noResponse},
	} {
		t.Run(row.name, func(t *testing.T) {
			joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
				n := m.next(mentor1)
				want[*wire.ListRequest](n)
				begun := time.Now()
				row.does(n)
				backup := m.next(mentor2)
				if waited := time.Since(begun); waited != row.after {
					t.Fatalf("the backup mentor was called after %s, want %s", waited, row.after)
				}
				want[*wire.ListRequest](backup)
				backup.send(&wire.ListResponse{Sender: mentor2ID, Receiver: serverID})
				want[*wire.HandleTableRequest](backup)
				backup.send(&wire.HandleTableResponse{Sender: mentor2ID, Receiver: serverID})
				if !inService(r) {
					t.Fatal("not in service")
				}
			})
		})
	}
}

func TestMentorsAreTriedAgainAndThenDoneWithout(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		begun := time.Now()
		for range registrar.DefaultLimits().JoinRounds {
			for _, at := range []netip.Addr{mentor1, mentor2} {
				n := m.next(at)
				want[*wire.ListRequest](n)
				n.send(&wire.ListResponse{Sender: 1, Receiver: serverID, Reject: true})
			}
			if inService(r) {
				t.Fatal("in service too early")
			}
		}
		<-r.InService()
		if waited := time.Since(begun); waited != 3*registrar.DefaultTimers().MentorRetry {
			t.Fatalf("in service after %s", waited)
		}
	})
}

func TestRegistrarThatStartsTurnsOthersAway(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		m.next(mentor1)
		peer := connect(t, r, wire.ENRP, peerHost, "peer")
		peer.send(&wire.Presence{Sender: peerID})
		want[*wire.Presence](peer)
		peer.send(&wire.ListRequest{Sender: peerID})
		if a := want[*wire.ListResponse](peer); !a.Reject {
			t.Fatalf("got %+v, want a rejection (RFC 5353 section 3.2.2.2)", a)
		}
		peer.send(&wire.HandleTableRequest{Sender: peerID})
		if a := want[*wire.HandleTableResponse](peer); !a.Reject {
			t.Fatalf("got %+v, want a rejection (RFC 5353 section 3.2.3)", a)
		}
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		if got, ok := alice.next().(*wire.ASAPError); !ok || got.Causes[0].Code != wire.CauseLackOfResources {
			t.Fatalf("an element is told %+v", got)
		}
		if got := alice.next(); got != nil {
			t.Fatalf("an element is served: %+v", got)
		}
	})
}

// TestHomesThatTheMentorNamesAreMonitored: somebody has to notice that they are gone.
func TestHomesThatTheMentorNamesAreMonitored(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		n := m.next(mentor1)
		want[*wire.ListRequest](n)
		n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID})
		want[*wire.HandleTableRequest](n)
		pe := lasting(7)
		pe.Home = thirdID
		n.send(&wire.HandleTableResponse{Sender: mentor1ID, Receiver: serverID, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{pe}}}})
		for range 6 {
			time.Sleep(10 * time.Second)
			n.send(&wire.Presence{Sender: mentor1ID})
		}
		n.send(&wire.InitTakeover{Sender: mentor1ID, Target: thirdID})
		synctest.Wait()
		for len(n.assoc.Incoming()) > 0 {
			if m, ok := n.next().(*wire.InitTakeoverAck); ok {
				t.Fatalf("got %+v: a home that we have only just heard of", m)
			}
		}
		time.Sleep(2 * time.Second)
		want[*wire.InitTakeover](n)
	})
}
