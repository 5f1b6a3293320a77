// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// restarted is a registrar that learns from its mentor that it had two elements on two hosts;
// it returns the association with the host of the first.
func restarted(t *testing.T, m *mentors) *node {
	t.Helper()
	n := m.next(mentor1)
	want[*wire.ListRequest](n)
	n.send(&wire.ListResponse{Sender: mentor1ID, Receiver: serverID})
	want[*wire.HandleTableRequest](n)
	first, second := lasting(7), lasting(8)
	first.Home, second.Home = serverID, serverID
	second.User.Addrs, second.ASAP.Addrs = []netip.Addr{bobHost}, []netip.Addr{bobHost}
	n.send(&wire.HandleTableResponse{Sender: mentor1ID, Receiver: serverID, Pools: []wire.PoolEntry{{PoolHandle: []byte(pool), Elements: []wire.PoolElement{first, second}}}})
	for {
		if called := <-m.came; called.addr == peerHost {
			called.t, called.proto = t, wire.ASAP
			return called
		}
	}
}

// TestElementsFromBeforeARestartAreClaimed: the mentor has them under our own server ID, but
// they have no association with us any more.
func TestElementsFromBeforeARestartAreClaimed(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		called := restarted(t, m)
		if k := want[*wire.EndpointKeepAlive](called); !k.NewHome || k.Server != serverID {
			t.Fatalf("got %+v", k)
		}
		called.send(&wire.EndpointKeepAliveAck{PoolHandle: []byte(pool), PEID: 7})
		time.Sleep(noResponse + aMoment)
		wantHomes(t, r, map[wire.PEID]wire.ServerID{7: serverID}) // the other one has not answered
	})
}

// TestHostThatWasCalledSpeaksForItsOwnElementsOnly: nobody knows its identity, but its address.
func TestHostThatWasCalledSpeaksForItsOwnElementsOnly(t *testing.T) {
	joining(t, func(t *testing.T, r *registrar.Registrar, m *mentors) {
		called := restarted(t, m)
		want[*wire.EndpointKeepAlive](called)
		called.send(&wire.Deregistration{PoolHandle: []byte(pool), PEID: 8})
		if a := want[*wire.DeregistrationResponse](called); len(a.Causes) != 1 || a.Causes[0].Code != wire.CauseSecurity {
			t.Fatalf("got %+v, want a refusal", a)
		}
		called.send(registration(otherPool, element(9, peerHost)))
		if a := want[*wire.RegistrationResponse](called); !a.Reject {
			t.Fatal("it may join a pool that it was not called for")
		}
		called.send(&wire.Deregistration{PoolHandle: []byte(pool), PEID: 7})
		if a := want[*wire.DeregistrationResponse](called); len(a.Causes) != 0 {
			t.Fatalf("got %+v: it is its own element", a)
		}
	})
}
