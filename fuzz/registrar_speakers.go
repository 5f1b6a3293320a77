// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// speaker is who comes over an association, as the transport and TLS have shown it.
type speaker struct {
	identity string // of a pre-shared key; "" came without one
	clear    bool   // without TLS
	protocol wire.Protocol
	host     netip.Addr
	grant    registrar.Grant // what the registrar was told about the identity
}

// Who and what there is. The identity mallory has lost its key.
const (
	sharedPool  = "EchoPool"
	privatePool = "PrivatePool"
	registrarID = wire.ServerID(0x0a0b0c0d)
	peerID      = wire.ServerID(0x55667788)
	auditorID   = wire.ServerID(0x0000aaaa)
	honestID    = wire.PEID(0x12345678)
)

var (
	sharedGrant   = registrar.Grant{Role: registrar.RolePE, Pools: []string{sharedPool}}
	anyGrant      = registrar.Grant{Role: registrar.RolePE, Pools: []string{registrar.AnyPool}}
	peerGrant     = registrar.Grant{Role: registrar.RoleRegistrar, Server: peerID}
	honest        = speaker{identity: "honest", protocol: wire.ASAP, host: netip.MustParseAddr("192.0.2.9"), grant: sharedGrant}
	auditor       = speaker{identity: "auditor", protocol: wire.ENRP, host: netip.MustParseAddr("192.0.2.8"), grant: registrar.Grant{Role: registrar.RoleRegistrar, Server: auditorID}}
	registrarDoor = netip.MustParseAddrPort("192.0.2.100:3864")
)

// speakers are those an input chooses from.
var speakers = []speaker{
	{identity: "alice", protocol: wire.ASAP, host: hosts[0], grant: sharedGrant},
	{identity: "bob", protocol: wire.ASAP, host: hosts[1], grant: sharedGrant},
	{identity: "carol", protocol: wire.ASAP, host: hosts[1], grant: anyGrant},
	{protocol: wire.ASAP, host: hosts[0]},
	{protocol: wire.ASAP, host: hosts[0], clear: true},
	{identity: "mallory", protocol: wire.ASAP, host: hosts[1]},
	{identity: "peer", protocol: wire.ENRP, host: hosts[2], grant: peerGrant},
	{protocol: wire.ENRP, host: hosts[2], clear: true},
	{identity: "mallory", protocol: wire.ENRP, host: hosts[2]},
	{identity: "alice", protocol: wire.ENRP, host: hosts[0], grant: sharedGrant},
	{identity: "peer", protocol: wire.ASAP, host: hosts[2], grant: peerGrant},
}

// honestElement is what the honest element registers.
var honestElement = wire.PoolElement{
	ID: honestID, Life: wire.LifeInfinite,
	User:   wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{honest.host}},
	Policy: wire.Policy{Type: wire.RoundRobin},
}

func (s *speaker) info() association.Info {
	i := association.Info{
		Transport: association.SCTPUDP, Local: registrarDoor, Remote: netip.AddrPortFrom(s.host, 5000),
		PeerAddrs: []netip.Addr{s.host}, Secured: !s.clear,
	}
	if s.identity != "" {
		i.Identity = tlspsk.Identity{Kind: tlspsk.PSK, Name: s.identity}
	}
	return i
}

// mayJoin tells whether the speaker may register elements in the pool.
func (s *speaker) mayJoin(pool string) bool {
	return s.grant.Role == registrar.RolePE && s.protocol == wire.ASAP &&
		(slices.Contains(s.grant.Pools, pool) || slices.Contains(s.grant.Pools, registrar.AnyPool))
}

// isPeer tells whether the speaker is a registrar, which speaks for elements of its own.
func (s *speaker) isPeer() bool {
	return s.grant.Role == registrar.RoleRegistrar && s.protocol == wire.ENRP
}

// keyring returns the identities that the registrar knows.
func keyring() registrar.Keyring {
	list := map[string]registrar.Grant{honest.identity: honest.grant, auditor.identity: auditor.grant}
	for _, s := range speakers {
		if s.grant.Role != registrar.RoleNone {
			list[s.identity] = s.grant
		}
	}
	return grants(list)
}

// grants is a keyring for associations in memory: handshakes are over, keys are not needed.
type grants map[string]registrar.Grant

// Key knows no key.
func (grants) Key(string) []byte { return nil }

// Grant returns what the identity is authorised for.
func (g grants) Grant(identity string) (registrar.Grant, bool) {
	grant, ok := g[identity]
	return grant, ok
}
