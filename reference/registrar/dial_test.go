// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"errors"
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

// TestPeerThatIsCalledHasToBeARegistrar: who is not secured, or not who was called, is nobody.
func TestPeerThatIsCalledHasToBeARegistrar(t *testing.T) {
	for name, change := range map[string]func(*association.Info){
		"in clear":             func(i *association.Info) { i.Secured = false },
		"by certificate only":  func(i *association.Info) { i.Identity.Kind = tlspsk.Certificate },
		"without any identity": func(i *association.Info) { i.Identity.Kind = tlspsk.Anonymous },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var far *memory.Association
				calls := 0
				r := start(t, func(c *registrar.Config) {
					c.Credential = &registrar.Credential{Identity: "registrar", Key: []byte("registrar's key")}
					c.Peers = []registrar.Peer{{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(mentor1, wire.PortENRPTLS)}}
					c.Dial = func(_ context.Context, d registrar.Destination) (association.Association, error) {
						info := association.Info{Secured: true, Identity: tlspsk.Identity{Kind: tlspsk.PSK}, Remote: d.Addr}
						change(&info)
						var near *memory.Association
						if far, near = memory.Pair(info, info); calls > 0 {
							return nil, errRefused
						}
						calls++
						return near, nil
					}
				})
				synctest.Wait()
				if n := len(far.Incoming()); n != 0 {
					t.Errorf("%d messages went to a node that did not authenticate", n)
				}
				if err := r.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestConfigurationOfPeersIsChecked(t *testing.T) {
	credential := &registrar.Credential{Identity: "registrar", Key: []byte("registrar's key")}
	at := netip.AddrPortFrom(mentor1, wire.PortENRPTLS)
	for _, row := range []struct {
		name string
		peer registrar.Peer
		own  *registrar.Credential
		want error
	}{
		{"TCP", registrar.Peer{Transport: association.TCP, Addr: at}, credential, registrar.ErrPeerTransport},
		{"without a key of ours", registrar.Peer{Transport: association.SCTP, Addr: at}, nil, registrar.ErrNoCredential},
		{"a pool element's identity", registrar.Peer{Transport: association.SCTP, Addr: at, Identity: "alice"}, credential, registrar.ErrPeerIdentity},
		{"an unknown identity", registrar.Peer{Transport: association.SCTP, Addr: at, Identity: "nobody"}, credential, registrar.ErrPeerIdentity},
	} {
		t.Run(row.name, func(t *testing.T) {
			keys, err := registrar.NewKeys(registrar.Identity{Name: "alice", Key: []byte("key"), Grant: registrar.Grant{Role: registrar.RolePE}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = registrar.New(registrar.Config{Keys: keys, Credential: row.own, Peers: []registrar.Peer{row.peer}})
			if !errors.Is(err, row.want) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
		})
	}
}

// TestPeerWhoseKeyWasWithdrawnIsNobody: its identity is still known, but as something else.
func TestPeerWhoseKeyWasWithdrawnIsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		identity := func(role registrar.Role) registrar.Identity {
			return registrar.Identity{Name: "two", Key: []byte("key of two"), Grant: registrar.Grant{Role: role}}
		}
		keys, err := registrar.NewKeys(identity(registrar.RoleRegistrar))
		if err != nil {
			t.Fatal(err)
		}
		var far []*memory.Association
		r, err := registrar.New(registrar.Config{
			ServerID: serverID, Keys: keys, Credential: &registrar.Credential{Identity: "one", Key: []byte("key of one")},
			Peers: []registrar.Peer{{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(mentor1, wire.PortENRPTLS), Identity: "two"}},
			Dial: func(_ context.Context, d registrar.Destination) (association.Association, error) {
				info := association.Info{Secured: true, Identity: tlspsk.Identity{Kind: tlspsk.PSK}, Remote: d.Addr}
				a, near := memory.Pair(info, info)
				far = append(far, a)
				return near, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(far) != 1 || len(far[0].Incoming()) == 0 {
			t.Fatal("the peer was not spoken to while it was a registrar")
		}
		if err := keys.Replace(identity(registrar.RolePE)); err != nil {
			t.Fatal(err)
		}
		_ = far[0].Abort("dial again")
		time.Sleep(registrar.DefaultTimers().MentorRetry)
		synctest.Wait()
		if len(far) != 2 || len(far[1].Incoming()) != 0 {
			t.Fatalf("%d calls; what is not a registrar any more was spoken to", len(far))
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
