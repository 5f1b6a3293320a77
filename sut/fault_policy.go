// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// policyFaults make a registrar that cannot be held accountable (draft section 2.17).
func policyFaults() []Fault {
	return []Fault{
		{
			Name:        "drop-signed-policy",
			Description: "the registrar keeps an element without the policy that it has signed",
			Informs:     []string{"T2.17-R3"},
			apply:       func(c *registrar.Config) { rewriteRegistrations(c, func(e *wire.PoolElement) { e.SignedPolicy = nil }) },
		},
		{
			Name:        "alter-signed-policy",
			Description: "the registrar shows as signed what the element has not signed",
			Informs:     []string{"T2.17-R3"},
			apply: func(c *registrar.Config) {
				rewriteRegistrations(c, func(e *wire.PoolElement) {
					if n := len(e.SignedPolicy); n > 0 {
						e.SignedPolicy[n-1] ^= 1 // the last octet of the signature
					}
				})
			},
		},
	}
}

// rewriteRegistrations has rewrite change every registration before it is dealt with.
func rewriteRegistrations(c *registrar.Config, rewrite func(*wire.PoolElement)) {
	next := c.Defences.Permission
	c.Defences.Permission = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
		if m, ok := q.Message.(*wire.Registration); ok {
			rewrite(&m.Element)
		}
		return next.Refuse(q)
	})
}
