// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// databaseFaults mix secured and unsecured information (draft section 2.15).
func databaseFaults() []Fault {
	return []Fault{
		{
			Name:         "answer-clear-resolution",
			Description:  "a pool user that asks in clear is answered",
			Requirements: []string{"T2.15-R5"},
			apply:        func(c *registrar.Config) { c.AnswerClearResolution = true },
		},
		{
			Name:         "accept-clear-update",
			Description:  "who speaks ENRP in clear is taken for a peer registrar",
			Requirements: []string{"T2.5-R1", "T2.5-R2", "T2.15-R4", "T2.15-R5"},
			apply: func(c *registrar.Config) {
				admitClear(c, wire.ENRP, registrar.RoleRegistrar)
				permit(c, func(q *registrar.Query) bool {
					return !q.Origin.Info.Secured && q.Message.Protocol() == wire.ENRP
				})
			},
		},
		{
			Name:         "accept-clear-presence",
			Description:  "an ENRP_PRESENCE in clear adds a peer, though none of its updates is taken",
			Requirements: []string{"T2.5-R1", "T2.5-R2", "T2.15-R5"},
			apply: func(c *registrar.Config) {
				admitClear(c, wire.ENRP, registrar.RoleRegistrar)
				permit(c, func(q *registrar.Query) bool {
					_, presence := q.Message.(*wire.Presence)
					return !q.Origin.Info.Secured && presence
				})
			},
		},
		{
			Name:         "mix-security",
			Description:  "an insecure registrar takes registrations over TLS into the same handlespace",
			Requirements: []string{"T2.15-R2"},
			apply: func(c *registrar.Config) {
				if c.Mode != registrar.Insecure {
					return
				}
				// It calls itself secured, opens TLS doors, and admits everybody.
				c.Mode = registrar.Secured
				open := registrar.NewDefences()
				c.Defences.Admission = registrar.AdmissionFunc(func(o *registrar.Origin, keys registrar.Keyring) registrar.Principal {
					p := open.Admission.Admit(o, keys)
					p.Role = registrar.RoleUnconfined
					return p
				})
			},
		},
	}
}
