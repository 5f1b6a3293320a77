// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) {
	if at := os.Getenv(holderEnv); at != "" {
		if err := hold(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// group is some registrars and members in one network.
type group struct {
	*network
	members    []*member
	registrars map[netip.Addr]*registrar.Registrar
	keys       *registrar.Keys
	change     func(*registrar.Config)
}

// members of a group: at most so many are known to the registrars.
const maxMembers = 8

func registrarAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)}) }
func memberAddr(i int) netip.Addr    { return netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) }
func registrarID(i int) wire.ServerID {
	return wire.ServerID(0x1000 + i)
}

func newGroup(t *testing.T, change func(*registrar.Config)) *group {
	t.Helper()
	var identities []registrar.Identity
	for i := 1; i <= 3; i++ {
		identities = append(identities, registrar.Identity{
			Name: fmt.Sprintf("registrar-%d", i), Key: fmt.Appendf(nil, "key of registrar-%d", i),
			Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: registrarID(i)},
		})
	}
	for i := 1; i <= maxMembers; i++ {
		name := fmt.Sprintf("pe-%d", i)
		identities = append(identities, registrar.Identity{Name: name, Key: []byte("key of " + name), Grant: registrar.Grant{Role: registrar.RolePE, Pools: []string{pool}}})
	}
	keys, err := registrar.NewKeys(identities...)
	if err != nil {
		t.Fatal(err)
	}
	return &group{network: newNetwork(t), registrars: make(map[netip.Addr]*registrar.Registrar), keys: keys, change: change}
}

// served is a registrar as a host of the network.
type served struct {
	g *group
	r *registrar.Registrar
}

func (s served) key(identity string) []byte { return s.g.keys.Key(identity) }
func (s served) serve(a association.Association, p wire.Protocol) {
	go s.r.Serve(context.Background(), a, p)
}

// start runs registrar i, which knows the peers as its mentors.
func (g *group) start(i int, peers ...int) *registrar.Registrar {
	g.t.Helper()
	addr := registrarAddr(i)
	cfg := registrar.Config{
		ServerID: registrarID(i), Keys: g.keys,
		Credential: &registrar.Credential{Identity: fmt.Sprintf("registrar-%d", i), Key: fmt.Appendf(nil, "key of registrar-%d", i)},
		ElementCredential: func(e handlespace.Element) (registrar.Credential, bool) {
			a := e.PE.ASAP.Addrs[0].As4()
			return registrar.Credential{Identity: "registrar", Key: elementKeyOf(fmt.Sprintf("pe-%d", a[3]))}, true
		},
		Doors: []registrar.Door{{Protocol: wire.ENRP, Transport: association.SCTPUDP, Secured: true, Addr: netip.AddrPortFrom(addr, wire.PortENRPTLS)}},
		Dial: func(ctx context.Context, d registrar.Destination) (association.Association, error) {
			return g.dial(ctx, addr, d)
		},
	}
	if os.Getenv("REGISTRAR_TEST_LOG") != "" { // to look into a failure
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, p := range peers {
		cfg.Peers = append(cfg.Peers, registrar.Peer{
			Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(registrarAddr(p), wire.PortENRPTLS), Identity: fmt.Sprintf("registrar-%d", p),
		})
	}
	if g.change != nil {
		g.change(&cfg)
	}
	r, err := registrar.New(cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	g.registrars[addr] = r
	g.attach(addr, served{g, r})
	return r
}

// kill ends registrar i. With noticed false its host is gone, and nobody is told.
func (g *group) kill(i int, noticed bool) {
	g.t.Helper()
	addr := registrarAddr(i)
	if !noticed {
		g.place(-1, addr)
	}
	g.attach(addr, nil)
	if err := g.registrars[addr].Close(context.Background()); err != nil {
		g.t.Error(err)
	}
	delete(g.registrars, addr)
}

// join adds a member with n elements that prefers the registrars in their order.
func (g *group) join(i, n int, registrars ...int) *member {
	ids := make([]wire.PEID, 0, n)
	for k := range n {
		ids = append(ids, wire.PEID(i*10_000+k+1))
	}
	addrs := make([]netip.Addr, 0, len(registrars))
	for _, r := range registrars {
		addrs = append(addrs, registrarAddr(r))
	}
	m := newMember(g.network, memberAddr(i), fmt.Sprintf("pe-%d", i), ids, addrs...)
	g.members = append(g.members, m)
	return m
}

// agreed checks that all registrars have the same handlespace, with every element of every
// member and none else, at a home that lives.
func (g *group) agreed() {
	g.t.Helper()
	homes := make(map[wire.ServerID]bool)
	for _, r := range g.registrars {
		homes[r.ServerID()] = true
	}
	var first handlespace.Snapshot
	for _, r := range g.registrars {
		s := r.Snapshot()
		if first == nil {
			first = s
		}
		// Who registered an element is not told to peers, and lives begin when they are told.
		for i, c := range first.Diff(s, handlespace.FieldOwner, handlespace.FieldExpires) {
			if i < 3 {
				g.t.Errorf("%s differs: %s", r.ServerID(), c)
			}
		}
	}
	there := make(map[wire.PEID]handlespace.Element)
	for _, e := range first {
		there[e.PE.ID] = e
		if !homes[e.PE.Home] {
			g.t.Errorf("element %s has the home %s, which is gone", e.PE.ID, e.PE.Home)
		}
	}
	want := 0
	for _, m := range g.members {
		for _, id := range m.elements {
			want++
			if _, ok := there[id]; !ok {
				g.t.Errorf("the live element %s of %s is lost", id, m.identity)
			}
		}
	}
	if len(there) != want {
		g.t.Errorf("%d elements, want %d", len(there), want)
	}
}

func (g *group) close() {
	for _, m := range g.members {
		m.close()
	}
	for addr := range g.registrars {
		g.attach(addr, nil)
	}
	for _, r := range g.registrars {
		if err := r.Close(context.Background()); err != nil {
			g.t.Error(err)
		}
	}
}

// inGroup runs f in a bubble with virtual time.
func inGroup(t *testing.T, change func(*registrar.Config), f func(g *group)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, change)
		f(g)
		g.close()
	})
}

// pass lets time pass, and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
