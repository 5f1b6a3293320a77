// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// poolAuthorised refuses an element that wants to join, change or leave a pool that its
// identity is not authorised for (draft section 2.4).
func poolAuthorised(q *Query) *Refusal {
	switch q.Message.(type) {
	case *wire.Registration, *wire.Deregistration:
	default:
		return nil
	}
	if q.Principal.Role == RoleUnconfined {
		return nil
	}
	pools := q.Principal.Grant.Pools
	if slices.Contains(pools, AnyPool) || slices.Contains(pools, string(q.Handle)) {
		return nil
	}
	return refuse("pool", "identity %q is not authorised for pool %s", q.Principal.Name, wire.PoolHandle(q.Handle))
}
