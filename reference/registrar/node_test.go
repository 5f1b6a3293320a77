// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// node speaks with the registrar over a memory association.
type node struct {
	t     *testing.T
	assoc *memory.Association
	proto wire.Protocol
	addr  netip.Addr
}

// hosts are the addresses of the nodes in these tests (RFC 5737).
var (
	aliceHost   = netip.MustParseAddr("192.0.2.1")
	bobHost     = netip.MustParseAddr("192.0.2.2")
	peerHost    = netip.MustParseAddr("192.0.2.3")
	unknownHost = netip.MustParseAddr("192.0.2.66")
)

// connect lets r serve a new association of the given identity; "" is a certificate
// client over TLS, "clear" comes without TLS.
func connect(t *testing.T, r *registrar.Registrar, proto wire.Protocol, host netip.Addr, identity string) *node {
	t.Helper()
	info := association.Info{
		Transport: association.SCTPUDP, Secured: identity != "clear",
		Local: netip.MustParseAddrPort("192.0.2.100:3864"), Remote: netip.AddrPortFrom(host, 5000), PeerAddrs: []netip.Addr{host},
	}
	if identity != "" && identity != "clear" {
		info.Identity = tlspsk.Identity{Kind: tlspsk.PSK, Name: identity}
	}
	server, client := memory.Pair(info, info)
	go r.Serve(t.Context(), server, proto)
	return &node{t: t, assoc: client, proto: proto, addr: host}
}

func (n *node) send(m wire.Message) {
	n.t.Helper()
	b, err := wire.Encode(m)
	if err != nil {
		n.t.Fatal(err)
	}
	n.sendBytes(b)
}

func (n *node) sendBytes(b []byte) {
	n.t.Helper()
	if err := n.assoc.Send(n.t.Context(), association.Message{Payload: b, PPID: n.proto.PPID()}); err != nil {
		n.t.Fatal(err)
	}
}

// next returns the next message, or nil when the association has ended.
func (n *node) next() wire.Message {
	n.t.Helper()
	m, err := n.assoc.Receive(n.t.Context())
	if err != nil {
		return nil
	}
	message, err := wire.Decode(n.proto, m.Payload, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return message
}

// ask sends m and returns the next message.
func (n *node) ask(m wire.Message) wire.Message {
	n.t.Helper()
	n.send(m)
	return n.next()
}

const (
	pool      = "EchoPool"
	otherPool = "PrivatePool"
	serverID  = wire.ServerID(0x0a0b0c0d)
	peerID    = wire.ServerID(0x55667788)
	alicePE   = wire.PEID(0x12345678)
)

func element(id wire.PEID, host netip.Addr) wire.PoolElement {
	return wire.PoolElement{
		ID: id, Life: 60,
		User:   wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{host}},
		Policy: wire.Policy{Type: wire.RoundRobin},
	}
}

func registration(handle string, pe wire.PoolElement) *wire.Registration {
	return &wire.Registration{PoolHandle: []byte(handle), Element: pe}
}

// start returns a secured registrar that knows alice and bob (EchoPool), carol
// (PrivatePool) and three peers, one of which may use any server ID.
func start(t *testing.T, change func(*registrar.Config)) *registrar.Registrar {
	t.Helper()
	grant := func(pools ...string) registrar.Grant { return registrar.Grant{Role: registrar.RolePE, Pools: pools} }
	keys, err := registrar.NewKeys(
		registrar.Identity{Name: "alice", Key: []byte("alice's key"), Grant: grant(pool)},
		registrar.Identity{Name: "bob", Key: []byte("bob's key"), Grant: grant(pool)},
		registrar.Identity{Name: "carol", Key: []byte("carol's key"), Grant: grant(otherPool)},
		registrar.Identity{Name: "peer", Key: []byte("peer's key"), Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: peerID}},
		registrar.Identity{Name: "third", Key: []byte("third's key"), Grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: thirdID}},
		registrar.Identity{Name: "any", Key: []byte("any's key"), Grant: registrar.Grant{Role: registrar.RoleRegistrar}},
	)
	if err != nil {
		t.Fatal(err)
	}
	cfg := registrar.Config{ServerID: serverID, Keys: keys}
	if change != nil {
		change(&cfg)
	}
	r, err := registrar.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func resolve(n *node, handle string) *wire.HandleResolutionResponse {
	n.t.Helper()
	m, ok := n.ask(&wire.HandleResolution{PoolHandle: []byte(handle)}).(*wire.HandleResolutionResponse)
	if !ok {
		n.t.Fatalf("no resolution response")
	}
	return m
}
