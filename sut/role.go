// SPDX-License-Identifier: Apache-2.0

package sut

// Role is what a system under test is to others, and whom a check judges.
type Role string

// The roles of RSerPool (RFC 5351).
const (
	Registrar   Role = "registrar"
	PoolElement Role = "pe"
	PoolUser    Role = "pu"
)

// Roles returns all roles in the order of reports.
func Roles() []Role { return []Role{Registrar, PoolElement, PoolUser} }

// String names the role in a sentence.
func (r Role) String() string {
	switch r {
	case PoolElement:
		return "pool element"
	case PoolUser:
		return "pool user"
	default:
		return string(r)
	}
}
