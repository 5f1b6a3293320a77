// SPDX-License-Identifier: Apache-2.0

package registrar

import "github.com/rspthreat/rspthreat/reference/tlspsk"

// Current has a defence judge by what an identity may do now, and not when its association
// was set up: whose key is withdrawn is refused from the next message on, the
// acknowledgement of a keep-alive included, which takes its elements out.
func Current(keys Keyring, inner Defence) Defence { return current{keys, inner} }

type current struct {
	keys  Keyring
	inner Defence
}

// Refuse implements Defence.
func (c current) Refuse(q *Query) *Refusal {
	// Whom we called is known by the configuration, which may name no identity of it.
	unnamed := q.Origin.Dialed != nil && q.Principal.Name == ""
	if unnamed || q.Origin.Info.Identity.Kind != tlspsk.PSK || q.Principal.Role == RoleNone {
		return c.inner.Refuse(q)
	}
	grant, ok := c.keys.Grant(q.Principal.Name)
	if !ok || grant.Role != q.Principal.Role {
		return refuse("withdrawal", "identity %q was withdrawn as %s", q.Principal.Name, q.Principal.Role)
	}
	principal, fresh := *q.Principal, *q
	principal.Grant, fresh.Principal = grant, &principal
	return c.inner.Refuse(&fresh)
}
