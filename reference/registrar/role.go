// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Role says as what a node may speak to the registrar.
type Role uint8

// The roles. A pre-shared key belongs to exactly one of them: with one key for all, any
// pool element could pose as a registrar (draft section 2.6, "insiders").
const (
	RoleNone       Role = iota // not authenticated: may ask for nothing
	RolePE                     // a pool element, by pre-shared key
	RolePU                     // a pool user: it came over TLS and checked our certificate
	RoleRegistrar              // a peer registrar, by pre-shared key
	RoleUnconfined             // an insecure registrar knows no identities: anybody may ask for anything
)

var roleNames = [...]string{"none", "pe", "pu", "registrar", "unconfined"}

// String returns the role as configuration files spell it.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// ParseRole reads a role that an identity may be granted: "pe", "pu" or "registrar".
func ParseRole(s string) (Role, error) {
	for _, r := range []Role{RolePE, RolePU, RoleRegistrar} {
		if s == r.String() {
			return r, nil
		}
	}
	return RoleNone, fmt.Errorf("role %q: must be pe, pu or registrar", s)
}

// AnyPool in Grant.Pools authorises an identity for every pool.
const AnyPool = "*"

// Grant is what an authenticated identity is authorised for.
type Grant struct {
	Role   Role
	Pools  []string      // pool handles that a pool element may join; AnyPool for all
	Server wire.ServerID // a peer registrar's server ID; 0 leaves it to the first message
}

// Keyring knows the pre-shared keys and what their holders may do. Its methods are called
// during handshakes, from many goroutines, and must not block.
type Keyring interface {
	// Key returns a copy of the key of identity, which the caller clears; nil when unknown.
	Key(identity string) []byte
	// Grant returns what identity is authorised for.
	Grant(identity string) (Grant, bool)
}

// Principal is who speaks over one association, as Defences.Admission decided.
type Principal struct {
	Role  Role
	Name  string // PSK identity; for the anonymous, their address, so that rates survive a reconnect
	Grant Grant
}

// Origin is what the registrar knows of an association before anybody judged it.
type Origin struct {
	Protocol wire.Protocol
	Mode     Mode
	Info     association.Info
	Dialed   *Dialed // nil: the far end came to us
}

// Dialed says whom this registrar meant when it set up an association. Over TLS with a
// pre-shared key nobody else can be there: the handshake ends only with the holder of the key.
type Dialed struct {
	Role Role
	Name string // its own identity if that is known; its Grant then comes from the Keyring
	// Grant is what one without a Name may do.
	Grant Grant
}

// HasAddr tells whether a is one of the addresses of the association's far end.
func (o *Origin) HasAddr(a netip.Addr) bool {
	a = a.Unmap()
	return a == o.Info.Remote.Addr().Unmap() || slices.ContainsFunc(o.Info.PeerAddrs, func(p netip.Addr) bool { return p.Unmap() == a })
}
