// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"fmt"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// current has a defence judge by what an identity may do now, and not when its association
// was set up: whose key is withdrawn is refused from the next message on, the
// acknowledgement of a keep-alive included, which takes its elements out.
type current struct {
	keys  registrar.Keyring
	inner registrar.Defence
}

// Refuse implements registrar.Defence.
func (c current) Refuse(q *registrar.Query) *registrar.Refusal {
	// Whom we called is known by the configuration, which may name no identity of it.
	unnamed := q.Origin.Dialed != nil && q.Principal.Name == ""
	if unnamed || q.Origin.Info.Identity.Kind != tlspsk.PSK || q.Principal.Role == registrar.RoleNone {
		return c.inner.Refuse(q)
	}
	grant, ok := c.keys.Grant(q.Principal.Name)
	if !ok || grant.Role != q.Principal.Role {
		return &registrar.Refusal{
			Defence: "withdrawal", Cause: wire.CauseSecurity,
			Reason: fmt.Sprintf("identity %q was withdrawn as %s", q.Principal.Name, q.Principal.Role),
		}
	}
	principal, fresh := *q.Principal, *q
	principal.Grant, fresh.Principal = grant, &principal
	return c.inner.Refuse(&fresh)
}
