// SPDX-License-Identifier: Apache-2.0

package registrar

// addressIsOwn refuses a registration for an address that the association does not come
// from (draft section 2.3.2: the victim of a DDoS attack must not be registered as a pool
// element). RFC 5352 section 3.1 R1 has the element bind its endpoint to every address that
// it will use, so an honest element always passes.
func addressIsOwn(q *Query) *Refusal {
	if q.Element == nil || q.Principal.Role == RoleUnconfined {
		return nil
	}
	for _, a := range q.Element.User.Addrs {
		if !q.Origin.HasAddr(a) {
			return refuse("address", "user transport address %s is not an address of the association from %s", a, q.Origin.Info.Remote.Addr())
		}
	}
	if q.Element.HasASAP {
		for _, a := range q.Element.ASAP.Addrs {
			if !q.Origin.HasAddr(a) {
				return refuse("address", "ASAP transport address %s is not an address of the association from %s", a, q.Origin.Info.Remote.Addr())
			}
		}
	}
	return nil
}
