// SPDX-License-Identifier: Apache-2.0

// Package engine runs checks and decides verdicts. It is an ordinary library: the rspthreat
// command and the ginkgo suite are two faces of it and give the same verdicts.
package engine

import (
	"context"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// Role is whom a check judges.
type Role = sut.Role

// The roles of RSerPool (RFC 5351).
const (
	Registrar   = sut.Registrar
	PoolElement = sut.PoolElement
	PoolUser    = sut.PoolUser
)

// Check judges one or more requirements on one role, always in the same five steps, which
// its Run function takes through the methods of Run.
type Check struct {
	ID       string // stable and fit for a file name: "2.1-unauthenticated-registration"
	Section  string // "2.1"
	Title    string
	Role     Role
	Rung     int
	Security sut.Security // the kind of system that it is about; "" judges both
	// Wanted is what else the system has to be; role and security are filled in.
	Wanted       sut.Wanted
	Requirements []string
	Threat       reports.Threat
	// Applies gives the reason why the check cannot be made on this system, or "".
	Applies func(*sut.Instance) string
	Run     func(ctx context.Context, r *Run)
}

// NeedsDoor is an Applies that wants what has returns and otherwise gives reason.
func NeedsDoor(has func(*sut.Instance) bool, reason string) func(*sut.Instance) string {
	return func(i *sut.Instance) string {
		if has(i) {
			return ""
		}
		return reason
	}
}
