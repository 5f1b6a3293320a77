// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// registrationFaults let registrations in that nobody authenticated.
func registrationFaults() []Fault {
	return []Fault{
		{
			Name:         "accept-clear-registration",
			Description:  "who speaks ASAP in clear is taken for a pool element (that owns nothing yet)",
			Requirements: []string{"T2.1-R1", "T2.2-R1", "T2.2-R2", "T2.3-R2", "T2.4-R2", "T2.6-R2", "T2.15-R1", "T2.15-R3", "T2.15-R5"},
			apply: func(c *registrar.Config) {
				admitClear(c, wire.ASAP, registrar.RolePE)
				permit(c, func(q *registrar.Query) bool { return !q.Origin.Info.Secured && registrationMessage(q.Message) })
			},
		},
		{
			Name:         "accept-unauthenticated-registration",
			Description:  "a node that came over TLS without a key may register a new element",
			Requirements: []string{"T2.1-R1", "T2.2-R1"},
			apply: func(c *registrar.Config) {
				anonymousMay(c, func(q *registrar.Query) bool { return q.Existing == nil })
			},
		},
		{
			Name:         "accept-unauthenticated-update",
			Description:  "a node that came over TLS without a key may change and remove elements that are registered",
			Requirements: []string{"T2.2-R1", "T2.3-R1"},
			apply: func(c *registrar.Config) {
				anonymousMay(c, func(q *registrar.Query) bool { return q.Existing != nil })
			},
		},
		{
			Name:         "refuse-slowly",
			Description:  "while registrations are refused in numbers, those of honest elements have to wait",
			Requirements: []string{"T2.2-R1"},
			apply: func(c *registrar.Config) {
				permission, last := c.Defences.Permission, c.Defences.Address
				var refused []time.Time
				c.Defences.Permission = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					refusal := permission.Refuse(q)
					if refusal != nil && registrationMessage(q.Message) {
						if refused = append(refused, q.Now); len(refused) > busyRefusals {
							refused = refused[1:]
						}
					}
					return refusal
				})
				c.Defences.Address = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					if q.Element != nil && len(refused) == busyRefusals && q.Now.Sub(refused[0]) < busyTime {
						<-time.After(neglect)
					}
					return last.Refuse(q)
				})
			},
		},
		{
			Name:         "demand-second-credential",
			Description:  "the holder of a pre-shared key is refused for lack of another credential",
			Requirements: []string{"T2.1-R3", "T2.2-R4", "T2.3-R4", "T2.4-R4", "T2.6-R4"},
			Disables:     true,
			apply: func(c *registrar.Config) {
				next := c.Defences.Permission
				c.Defences.Permission = registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
					if _, registers := q.Message.(*wire.Registration); registers && q.Principal.Role == registrar.RolePE {
						return &registrar.Refusal{Defence: "fault", Cause: wire.CauseSecurity, Reason: "no second credential"}
					}
					return next.Refuse(q)
				})
			},
		},
	}
}

// busyRefusals within busyTime are a flood, and more than any other check brings about.
const busyRefusals = 40

func registrationMessage(m wire.Message) bool {
	switch m.(type) {
	case *wire.Registration, *wire.Deregistration:
		return true
	default:
		return false
	}
}

// admitClear takes whoever comes in clear over protocol for a node of that role.
func admitClear(c *registrar.Config, protocol wire.Protocol, role registrar.Role) {
	next := c.Defences.Admission
	c.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
		p := next.Admit(o, keys)
		if o.Mode == registrar.Secured && !o.Info.Secured && o.Protocol == protocol {
			p.Role, p.Grant = role, registrar.Grant{Role: role, Pools: []string{registrar.AnyPool}}
		}
		return p
	})
}

// permit lets everything through the permission defence that allowed accepts.
func permit(c *registrar.Config, allowed func(*registrar.Query) bool) {
	next := c.Defences.Permission
	c.Defences.Permission = except(next, allowed)
}

// except is a defence that does not look at what allowed accepts.
func except(next registrar.Defence, allowed func(*registrar.Query) bool) registrar.Defence {
	return registrar.DefenceFunc(func(q *registrar.Query) *registrar.Refusal {
		if allowed(q) {
			return nil
		}
		return next.Refuse(q)
	})
}

// anonymousMay lets nodes without a key register where when holds, as if they owned the
// element and might join the pool.
func anonymousMay(c *registrar.Config, when func(*registrar.Query) bool) {
	allowed := func(q *registrar.Query) bool {
		return q.Origin.Info.Secured && q.Principal.Role == registrar.RolePU && registrationMessage(q.Message) && when(q)
	}
	d := c.Defences
	d.Permission, d.Pool, d.Owner = except(d.Permission, allowed), except(d.Pool, allowed), except(d.Owner, allowed)
}
