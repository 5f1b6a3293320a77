// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// ownsElement refuses whoever acts for another element (draft section 2.3: "A PE can
// register only for itself and cannot register on behalf of other PEs"): the identity that
// registered (pool handle, PE identifier) owns it until it is removed.
//
// An element that a peer registrar announced has no identity here, since ENRP carries none.
// It may move to this registrar (RFC 5352 section 3.1 rule 4), but only when it comes from
// the addresses under which the peer announced it.
func ownsElement(q *Query) *Refusal {
	switch q.Message.(type) {
	case *wire.Registration, *wire.Deregistration, *wire.EndpointKeepAliveAck:
	default:
		return nil
	}
	if q.Existing == nil || q.Principal.Role == RoleUnconfined {
		return nil
	}
	if q.Existing.Owner != "" && q.Existing.Owner == q.Principal.Name {
		return nil
	}
	if q.Existing.Owner == "" && len(q.Existing.PE.User.Addrs) > 0 &&
		!slices.ContainsFunc(q.Existing.PE.User.Addrs, func(a netip.Addr) bool { return !q.Origin.HasAddr(a) }) {
		return nil
	}
	return refuse("owner", "element %s of pool %s belongs to another identity than %q",
		q.ID, wire.PoolHandle(q.Handle), q.Principal.Name)
}
