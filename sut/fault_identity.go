// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"slices"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// identityFaults let an authenticated identity do more than it may.
func identityFaults() []Fault {
	none := registrar.DefenceFunc(func(*registrar.Query) *registrar.Refusal { return nil })
	return []Fault{
		{
			Name:         "refuse-psk",
			Description:  "TLS is spoken with certificates only, no pre-shared key suite is accepted",
			Requirements: []string{"T2.1-R2", "T2.2-R3", "T2.3-R3", "T2.4-R3", "T2.5-R3", "T2.6-R3"},
			Disables:     true,
			apply:        func(c *registrar.Config) { c.TLS.RefusePSK = true },
		},
		{
			Name:         "ignore-psk-identity",
			Description:  "any identity is accepted that comes with the key of some element",
			Requirements: []string{"T2.1-R2", "T2.2-R3", "T2.3-R3", "T2.4-R3", "T2.6-R3"},
			apply:        func(c *registrar.Config) { c.Keys = anyIdentity{c.Keys.(*registrar.Keys)} },
		},
		{
			Name:         "skip-role-check",
			Description:  "a peer registrar's key may register elements",
			Requirements: []string{"T2.2-R1", "T2.4-R1"},
			apply: func(c *registrar.Config) {
				allowed := func(q *registrar.Query) bool {
					return q.Principal.Role == registrar.RoleRegistrar && registrationMessage(q.Message)
				}
				permit(c, allowed)
				c.Defences.Pool = except(c.Defences.Pool, allowed)
			},
		},
		{
			Name:         "skip-pool-check",
			Description:  "every element may join every pool",
			Requirements: []string{"T2.2-R1", "T2.4-R1"},
			apply:        func(c *registrar.Config) { c.Defences.Pool = none },
		},
		{
			Name:         "skip-owner-check",
			Description:  "an element may register, change and remove other elements",
			Requirements: []string{"T2.3-R6"},
			apply: func(c *registrar.Config) {
				c.Defences.Owner = except(c.Defences.Owner, func(q *registrar.Query) bool { return registrationMessage(q.Message) })
			},
		},
		{
			Name:         "skip-address-check",
			Description:  "an element may register addresses that are not its own",
			Requirements: []string{"T2.3-R6"},
			apply:        func(c *registrar.Config) { c.Defences.Address = none },
		},
		{
			Name:         "accept-foreign-acknowledgement",
			Description:  "any element may acknowledge a keep-alive for any other",
			Requirements: []string{"T2.3-R6"},
			apply: func(c *registrar.Config) {
				c.Defences.Owner = except(c.Defences.Owner, func(q *registrar.Query) bool {
					_, ack := q.Message.(*wire.EndpointKeepAliveAck)
					return ack
				})
			},
		},
	}
}

// anyIdentity is a Keyring that answers for identities it does not know with the key and
// the grant of the first pool element that it knows.
type anyIdentity struct{ *registrar.Keys }

func (k anyIdentity) first() string {
	names := k.Names()
	slices.Sort(names)
	for _, name := range names {
		if g, ok := k.Keys.Grant(name); ok && g.Role == registrar.RolePE {
			return name
		}
	}
	return ""
}

// Key returns the key of identity, or of the first pool element.
func (k anyIdentity) Key(identity string) []byte {
	if key := k.Keys.Key(identity); key != nil {
		return key
	}
	return k.Keys.Key(k.first())
}

// Grant returns the grant of identity, or of the first pool element.
func (k anyIdentity) Grant(identity string) (registrar.Grant, bool) {
	if g, ok := k.Keys.Grant(identity); ok {
		return g, true
	}
	return k.Keys.Grant(k.first())
}
