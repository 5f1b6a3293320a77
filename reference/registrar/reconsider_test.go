// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ended tells whether the registrar has ended the association.
func (n *node) ended() bool {
	synctest.Wait()
	select {
	case <-n.assoc.Done():
		return true
	default:
		return false
	}
}

func TestAssociationsOfWithdrawnIdentitiesAreEnded(t *testing.T) {
	alice := registrar.Identity{Name: "alice", Key: []byte("alice's key"), Grant: registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}}}
	bob := registrar.Identity{Name: "bob", Key: []byte("bob's key"), Grant: registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}}}
	peer := registrar.Identity{Name: "peer", Key: []byte("peer's key"), Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: peerID}}
	newKey, otherRole, otherPool := alice, alice, alice
	newKey.Key = []byte("alice's new key")
	otherRole.Grant = registrar.Grant{Role: registrar.RolePU}
	otherPool.Grant.Pools = []string{"another pool"}
	for _, c := range []struct {
		name  string
		keys  []registrar.Identity
		alice bool // loses its association
		peer  bool
	}{
		{"nothing changes", []registrar.Identity{alice, bob, peer}, false, false},
		{"element withdrawn", []registrar.Identity{bob, peer}, true, false},
		{"peer withdrawn", []registrar.Identity{alice, bob}, false, true},
		{"another key", []registrar.Identity{newKey, bob, peer}, true, false},
		{"another role", []registrar.Identity{otherRole, bob, peer}, true, false},
		{"another pool", []registrar.Identity{otherPool, bob, peer}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := registrar.NewKeys(alice, bob, peer)
			if err != nil {
				t.Fatal(err)
			}
			in(t, func(cfg *registrar.Config) { quiet(cfg); cfg.Keys = keys }, func(t *testing.T, r *registrar.Registrar) {
				a, b := connect(t, r, wire.ASAP, aliceHost, "alice"), connect(t, r, wire.ASAP, bobHost, "bob")
				user, p := connect(t, r, wire.ASAP, unknownHost, ""), introduce(t, r)
				a.ask(registration(pool, element(alicePE, aliceHost)))
				want[*wire.HandleUpdate](p)
				if err := keys.Replace(c.keys...); err != nil {
					t.Fatal(err)
				}
				count := 0
				for _, lost := range []bool{c.alice, c.peer} {
					if lost {
						count++
					}
				}
				if n := r.Reconsider(); n != count || r.Stats().Withdrawn != uint64(count) {
					t.Errorf("%d associations ended, %d counted, want %d", n, r.Stats().Withdrawn, count)
				}
				if a.ended() != c.alice || p.ended() != c.peer || b.ended() || user.ended() {
					t.Errorf("ended: alice %v, peer %v, bob %v, user %v", a.ended(), p.ended(), b.ended(), user.ended())
				}
				if c.name == "another pool" { // judged by the new grant at once
					m := a.ask(registration(pool, element(alicePE+1, aliceHost))).(*wire.RegistrationResponse)
					if !m.Reject || m.Causes[0].Code != wire.CauseSecurity {
						t.Errorf("registration in a pool that was withdrawn: %+v", m)
					}
				}
				if c.alice { // its element goes unless it comes back in time
					time.Sleep(registrar.DefaultTimers().KeepAliveTimeout + aMoment)
					if n := r.Stats().Elements; n != 0 {
						t.Errorf("%d elements of the withdrawn identity remain", n)
					}
				}
			})
		})
	}
}
