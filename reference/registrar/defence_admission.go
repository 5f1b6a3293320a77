// SPDX-License-Identifier: Apache-2.0

package registrar

import "github.com/rspthreat/rspthreat/reference/tlspsk"

// admit authenticates an association (draft sections 2.1, 2.2, 2.5 and 2.15).
//
// On a secured registrar only a pre-shared key gives a role that may change anything. Who
// came over TLS without one is a pool user: it authenticated us, we know nothing of it.
// Who came in clear is nobody. An insecure registrar confines nobody (draft 2.15).
func admit(o *Origin, keys Keyring) Principal {
	address := o.Info.Remote.Addr().Unmap().String()
	switch {
	case o.Mode == Insecure:
		return Principal{Role: RoleUnconfined, Name: address}
	case !o.Info.Secured:
		return Principal{Role: RoleNone, Name: address}
	case o.Dialed != nil:
		return admitDialed(o, keys, address)
	case o.Info.Identity.Kind == tlspsk.PSK && keys != nil:
		// The key may have been withdrawn between the handshake and now.
		grant, ok := keys.Grant(o.Info.Identity.Name)
		if !ok {
			return Principal{Role: RoleNone, Name: address}
		}
		return Principal{Role: grant.Role, Name: o.Info.Identity.Name, Grant: grant}
	case o.Info.Identity.Kind == tlspsk.PSK:
		return Principal{Role: RoleNone, Name: address}
	default:
		return Principal{Role: RolePU, Name: address}
	}
}

// admitDialed authenticates whom we called. It has shown to hold our key, which has to be a
// pre-shared one (RFC 5353 section 6.2), and is still what we called it for.
func admitDialed(o *Origin, keys Keyring, address string) Principal {
	if o.Info.Identity.Kind != tlspsk.PSK {
		return Principal{Role: RoleNone, Name: address}
	}
	d := o.Dialed
	if d.Name == "" {
		return Principal{Role: d.Role, Grant: d.Grant}
	}
	if keys != nil {
		if grant, ok := keys.Grant(d.Name); ok && grant.Role == d.Role {
			return Principal{Role: grant.Role, Name: d.Name, Grant: grant}
		}
	}
	return Principal{Role: RoleNone, Name: address}
}
