// SPDX-License-Identifier: Apache-2.0

package registrar

import "github.com/rspthreat/rspthreat/reference/wire"

const permissionName = "permission"

// permit holds the table of which role may send which message (draft sections 2.4 to 2.7,
// 2.15). Nobody but a pool element may change the pools, nobody but a peer registrar may
// speak ENRP, and a node that is not authenticated is refused whatever it asks.
func permit(q *Query) *Refusal {
	role := q.Principal.Role
	if role == RoleUnconfined {
		return nil
	}
	if !q.Origin.Info.Secured {
		return refuse(permissionName, "%s in clear to a secured registrar", q.Message.Name())
	}
	if role == RoleNone {
		return refuse(permissionName, "%s from an unauthenticated node", q.Message.Name())
	}
	if q.Message.Protocol() == wire.ENRP {
		if role != RoleRegistrar {
			return refuse(permissionName, "%s from a %s", q.Message.Name(), role)
		}
		return nil
	}
	switch q.Message.(type) {
	case *wire.Registration, *wire.Deregistration, *wire.EndpointKeepAliveAck:
		if role != RolePE {
			return refuse(permissionName, "%s from a %s", q.Message.Name(), role)
		}
	case *wire.HandleResolution, *wire.EndpointUnreachable:
		if role != RolePE && role != RolePU {
			return refuse(permissionName, "%s from a %s", q.Message.Name(), role)
		}
	}
	return nil
}
