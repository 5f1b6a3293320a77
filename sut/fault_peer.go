// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// peerFaults take rogue registrars for registrars of the group (draft section 2.5).
func peerFaults() []Fault {
	return []Fault{
		{
			Name:         "call-peers-in-clear",
			Description:  "peers are called without TLS, and whoever answers is taken for one",
			Requirements: []string{"T2.5-R1", "T2.5-R2"},
			apply:        callPeersInClear,
		},
		{
			Name:         "ignore-peer-identity",
			Description:  "any identity is taken for a registrar that comes with a registrar's key",
			Requirements: []string{"T2.5-R3"},
			apply:        func(c *registrar.Config) { c.Keys = anyPeer{c.Keys.(*registrar.Keys)} },
		},
		{
			Name:         "demand-second-peer-credential",
			Description:  "the holder of a registrar's pre-shared key is refused for lack of another credential",
			Requirements: []string{"T2.5-R4"},
			Disables:     true,
			apply: func(c *registrar.Config) {
				next := c.Defences.Permission
				c.Defences.Permission = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					if q.Principal.Role == registrar.RoleRegistrar && q.Message.Protocol() == wire.ENRP {
						return &registrar.Refusal{Defence: "fault", Cause: wire.CauseSecurity, Reason: "no second credential"}
					}
					return next.Refuse(q)
				})
			},
		},
	}
}

func callPeersInClear(c *registrar.Config) {
	c.Dial = func(ctx context.Context, d registrar.Destination) (association.Association, error) {
		dialer := association.Dialer{
			Transport: d.Transport, Local: c.Doors[0].Addr.Addr(), UDPPort: d.UDPPort, PPID: d.Protocol.PPID(),
		}
		return dialer.Dial(ctx, d.Addr)
	}
	next := c.Defences.Admission
	c.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
		p := next.Admit(o, keys)
		if o.Dialed != nil && !o.Info.Secured {
			p.Role, p.Grant = registrar.RoleRegistrar, registrar.Grant{Role: registrar.RoleRegistrar}
		}
		return p
	})
	permit(c, func(q *registrar.Query) bool {
		return q.Origin.Dialed != nil && q.Message.Protocol() == wire.ENRP
	})
}

// anyPeer is a Keyring that answers for identities it does not know with the key and the
// grant of the first registrar that it knows.
type anyPeer struct{ *registrar.Keys }

func (k anyPeer) first() string {
	names := k.Names()
	slices.Sort(names)
	for _, name := range slices.Backward(names) {
		if g, ok := k.Keys.Grant(name); ok && g.Role == registrar.RoleRegistrar {
			return name
		}
	}
	return ""
}

// Key returns the key of identity, or of a registrar.
func (k anyPeer) Key(identity string) []byte {
	if key := k.Keys.Key(identity); key != nil {
		return key
	}
	return k.Keys.Key(k.first())
}

// Grant returns the grant of identity, or of a registrar.
func (k anyPeer) Grant(identity string) (registrar.Grant, bool) {
	if g, ok := k.Keys.Grant(identity); ok {
		return g, true
	}
	return k.Keys.Grant(k.first())
}
