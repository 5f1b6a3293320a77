// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// in runs f in a synctest bubble with a registrar that is closed before the bubble ends.
func in(t *testing.T, change func(*registrar.Config), f func(t *testing.T, r *registrar.Registrar)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, change)
		f(t, r)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRegisteredElementIsResolvedUntilItDeregisters(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice, user := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "")
		if m, ok := alice.ask(registration(pool, element(alicePE, aliceHost))).(*wire.RegistrationResponse); !ok || m.Reject || m.PEID != alicePE {
			t.Fatalf("registration: %+v", m)
		}
		got := resolve(user, pool)
		if len(got.Elements) != 1 || got.Elements[0].ID != alicePE || got.Elements[0].Home != serverID || !got.HasPolicy || got.Policy.Type != wire.RoundRobin {
			t.Fatalf("resolution: %+v", got)
		}
		if m, ok := alice.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE}).(*wire.DeregistrationResponse); !ok || len(m.Causes) > 0 {
			t.Fatalf("deregistration: %+v", m)
		}
		if got := resolve(user, pool); len(got.Causes) != 1 || got.Causes[0].Code != wire.CauseUnknownPoolHandle {
			t.Fatalf("resolution of a pool that is gone: %+v", got)
		}
	})
}

// TestRefusedRegistrations: each row is refused with that cause, and leaves no element.
func TestRefusedRegistrations(t *testing.T) {
	policy := func(pe wire.PoolElement) wire.PoolElement {
		pe.Policy = wire.Policy{Type: wire.Random}
		return pe
	}
	transport := func(pe wire.PoolElement) wire.PoolElement {
		pe.User.Kind = wire.TransportTCP
		return pe
	}
	use := func(pe wire.PoolElement) wire.PoolElement {
		pe.User.Use = wire.DataAndControl
		return pe
	}
	const second = wire.PEID(2)
	for _, row := range []struct {
		name, identity string
		m              *wire.Registration
		cause          wire.CauseCode
	}{
		{"in clear", "clear", registration(pool, element(second, bobHost)), wire.CauseSecurity},
		{"over TLS without a key", "", registration(pool, element(second, bobHost)), wire.CauseSecurity},
		{"as a peer registrar", "peer", registration(pool, element(second, bobHost)), wire.CauseSecurity},
		{"an identity whose key was withdrawn", "mallory", registration(pool, element(second, bobHost)), wire.CauseSecurity},
		{"for a pool it is not authorised for", "carol", registration(pool, element(second, bobHost)), wire.CauseSecurity},
		{"for another's element", "bob", registration(pool, element(alicePE, bobHost)), wire.CauseSecurity},
		{"with a foreign address", "bob", registration(pool, element(second, unknownHost)), wire.CauseSecurity},
		{"with another policy than the pool's", "bob", registration(pool, policy(element(second, bobHost))), wire.CauseInconsistentPolicy},
		{"with another transport than the pool's", "bob", registration(pool, transport(element(second, bobHost))), wire.CauseInconsistentTransport},
		{"with another transport use than the pool's", "bob", registration(pool, use(element(second, bobHost))), wire.CauseInconsistentUse},
	} {
		t.Run(row.name, func(t *testing.T) {
			in(t, nil, func(t *testing.T, r *registrar.Registrar) {
				alice := connect(t, r, wire.ASAP, aliceHost, "alice")
				alice.ask(registration(pool, element(alicePE, aliceHost)))
				n := connect(t, r, wire.ASAP, bobHost, row.identity)
				m, ok := n.ask(row.m).(*wire.RegistrationResponse)
				if !ok || !m.Reject || len(m.Causes) != 1 || m.Causes[0].Code != row.cause {
					t.Fatalf("answer %+v, want a rejection with cause %v", m, row.cause)
				}
				got := resolve(alice, pool)
				if len(got.Elements) != 1 || got.Elements[0].User.Addrs[0] != aliceHost {
					t.Fatalf("the pool has changed: %+v", got.Elements)
				}
			})
		})
	}
}

func TestDeregistrationByAnotherIsRefused(t *testing.T) {
	for _, identity := range []string{"bob", "", "clear", "peer", "carol"} {
		t.Run("identity "+identity, func(t *testing.T) {
			in(t, nil, func(t *testing.T, r *registrar.Registrar) {
				alice := connect(t, r, wire.ASAP, aliceHost, "alice")
				alice.ask(registration(pool, element(alicePE, aliceHost)))
				n := connect(t, r, wire.ASAP, bobHost, identity)
				m, ok := n.ask(&wire.Deregistration{PoolHandle: []byte(pool), PEID: alicePE}).(*wire.DeregistrationResponse)
				if !ok || len(m.Causes) != 1 || m.Causes[0].Code != wire.CauseSecurity {
					t.Fatalf("answer %+v", m)
				}
				if len(resolve(alice, pool).Elements) != 1 {
					t.Fatal("the element is gone")
				}
			})
		})
	}
}

func TestElementIsRemovedWhenItsLifeEnds(t *testing.T) {
	in(t, func(c *registrar.Config) {
		c.Timers = registrar.DefaultTimers()
		c.Timers.KeepAlive = time.Hour // only the life matters here
	}, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		alice.ask(registration(pool, element(alicePE, aliceHost))) // 60 s
		time.Sleep(59 * time.Second)
		if len(resolve(alice, pool).Elements) != 1 {
			t.Fatal("removed before its life ended")
		}
		time.Sleep(time.Second)
		// RFC 5352 section 3.2: the element is told.
		if m, ok := alice.next().(*wire.DeregistrationResponse); !ok || m.PEID != alicePE {
			t.Fatalf("got %+v, want a deregistration response", m)
		}
		if got := resolve(alice, pool); len(got.Elements) != 0 {
			t.Fatal("still there after its life has ended")
		}
	})
}

func TestMalformedMessageCostsOnlyItsSenderTheAssociation(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice, bob := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob")
		alice.ask(registration(pool, element(alicePE, aliceHost)))
		bob.sendBytes([]byte{1, 0, 0, 12, 0, 9, 0, 3, 0, 0, 0, 0}) // a parameter shorter than its header
		if m := bob.next(); m != nil {
			t.Fatalf("got %+v, want the end of the association", m)
		}
		if len(resolve(alice, pool).Elements) != 1 {
			t.Fatal("the pool has changed")
		}
	})
}

func TestUnknownMessageTypesFollowTheirActionBits(t *testing.T) {
	// RFC 5354 section 2: 00 discards, 01 discards and reports.
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		alice := connect(t, r, wire.ASAP, aliceHost, "alice")
		alice.sendBytes([]byte{0x3f, 0, 0, 4})
		alice.sendBytes([]byte{0x7f, 0, 0, 4})
		m, ok := alice.next().(*wire.ASAPError)
		if !ok || len(m.Causes) != 1 || m.Causes[0].Code != wire.CauseUnrecognizedMessage {
			t.Fatalf("got %+v, want one error for the type 0x7f", m)
		}
	})
}

func TestClearNodeThatAsksWithoutAnAnswerLosesItsAssociation(t *testing.T) {
	in(t, nil, func(t *testing.T, r *registrar.Registrar) {
		n := connect(t, r, wire.ENRP, unknownHost, "clear")
		if m := n.ask(&wire.Presence{Sender: peerID, ReplyRequired: true}); m != nil {
			t.Fatalf("got %+v, want the end of the association", m)
		}
	})
}
