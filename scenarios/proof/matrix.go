// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"slices"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// Matrix is the kill matrix that is claimed: the results that each fault must violate.
func Matrix(l *ledger.Ledger) *reports.Proof {
	var p reports.Proof
	for _, f := range sut.Faults() {
		p.Faults = append(p.Faults, reports.ProvenFault{
			Name: f.Name, Role: string(f.Role), Description: f.Description,
			Violates: Expected(l, f), Noted: noted(f),
		})
	}
	return &p
}

// noted are the informative results that make a note of a fault.
func noted(f sut.Fault) []string {
	var ids []string
	for _, id := range f.Informs {
		ids = append(ids, ledger.ResultID(id, string(f.Role)))
	}
	return ids
}

// Expected are the results that a fault violates, sorted: its requirements on its role, and
// those that the ledger has follow from them.
func Expected(l *ledger.Ledger, f sut.Fault) []string {
	role := string(f.Role)
	ids := []string{}
	for _, id := range f.Requirements {
		ids = append(ids, ledger.ResultID(id, role))
	}
	for _, r := range l.Requirements {
		if slices.ContainsFunc(r.From[role], func(id string) bool { return slices.Contains(f.Requirements, id) }) {
			ids = append(ids, ledger.ResultID(r.ID, role))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
