// SPDX-License-Identifier: Apache-2.0

package plant

import (
	"sync/atomic"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// nobody is a defence against nobody.
var nobody = registrar.DefenceFunc(func(*registrar.Query) *registrar.Refusal { return nil })

// defenceBugs are defences that are not there, or not always.
func defenceBugs() []Bug {
	oracle := func(name, rule string, config func(*registrar.Config)) Bug {
		return Bug{Name: name, Kind: monitor.Oracle, Rule: rule, Budget: few, Messages: 3, Config: config}
	}
	return []Bug{
		oracle("elements belong to nobody", "somebody else's element", func(c *registrar.Config) { c.Defences.Owner = nobody }),
		oracle("everybody may deregister", "deregistration of somebody else's", func(c *registrar.Config) {
			c.Defences.Owner = unless(c.Defences.Owner, func(q *registrar.Query) bool { _, ok := q.Message.(*wire.Deregistration); return ok })
		}),
		oracle("every role may register", "granted to a", func(c *registrar.Config) {
			c.Defences.Permission = unless(c.Defences.Permission, func(q *registrar.Query) bool { return q.Principal.Role == registrar.RolePU })
			c.Defences.Pool = nobody
		}),
		oracle("every pool is for everybody", "pool that the element may not join", func(c *registrar.Config) { c.Defences.Pool = nobody }),
		oracle("addresses are believed", "address that is not its own", func(c *registrar.Config) { c.Defences.Address = nobody }),
		oracle("who comes in clear is let in", "to a stranger", func(c *registrar.Config) {
			c.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
				if o.Info.Secured {
					d := registrar.NewDefences()
					return d.Admission.Admit(o, keys)
				}
				return registrar.Principal{Role: registrar.RoleUnconfined, Name: "anybody"}
			})
		}),
		oracle("pools are told in clear", "told to a stranger", func(c *registrar.Config) { c.AnswerClearResolution = true }),
		oracle("elements may speak ENRP", "handle table is told", func(c *registrar.Config) {
			c.Defences.Permission = unless(c.Defences.Permission, func(q *registrar.Query) bool {
				return q.Message.Protocol() == wire.ENRP && q.Principal.Role == registrar.RolePE
			})
		}),
		{
			Name: "a rate is counted and never decays", Kind: monitor.Refused, Rule: "cannot register",
			Budget: few, Messages: 400, Config: func(c *registrar.Config) {
				var count atomic.Int64
				c.Defences.Rate = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					const most = 200
					if _, ok := q.Message.(*wire.Registration); ok && count.Add(1) > most {
						return &registrar.Refusal{Defence: "rate", Cause: wire.CauseLackOfResources, Reason: "too many"}
					}
					return nil
				})
			},
		},
	}
}

// unless is a defence with an exception.
func unless(d registrar.Defence, exempt func(*registrar.Query) bool) registrar.Defence {
	return registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
		if exempt(q) {
			return nil
		}
		return d.Refuse(q)
	})
}
