// SPDX-License-Identifier: Apache-2.0

package monitor

import (
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Grant is an element that is registered by right.
type Grant struct {
	Pool string
	ID   wire.PEID
}

// Grants returns what was granted in an exchange, and what may have been: when an association
// ends, answers get lost.
func (j *Judge) Grants(e *link.Exchange) (list []Grant) {
	r := &e.Result
	for i := range r.Replies {
		if m, ok := r.Replies[i].Message.(*wire.RegistrationResponse); ok && !m.Reject {
			list = append(list, Grant{string(m.PoolHandle), m.PEID})
		}
	}
	if r.Done || model.RoleOf(j.Secured, e.Caller) != model.PE {
		return list
	}
	for _, b := range e.Heard() {
		m, err := wire.Decode(e.Caller.Protocol, b, &j.Wire)
		if err != nil {
			continue
		}
		if m, ok := m.(*wire.Registration); ok && j.mayJoin(e.Caller.As, string(m.PoolHandle)) {
			list = append(list, Grant{string(m.PoolHandle), m.Element.ID})
		}
	}
	return list
}
