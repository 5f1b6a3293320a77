// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// TestLedgerAndChecksCoverEachOther: a check names only what the ledger has, and what the
// ledger has is judged by a check or says why it is not.
func TestLedgerAndChecksCoverEachOther(t *testing.T) {
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	judged := map[string]bool{} // by result
	ids := map[string]bool{}
	for _, c := range scenarios.Checks() {
		if ids[c.ID] {
			t.Errorf("two checks are called %s", c.ID)
		}
		ids[c.ID] = true
		for _, id := range c.Requirements {
			role := string(c.Role)
			judged[ledger.ResultID(id, role)] = true
			r, err := l.Find(id)
			if err != nil {
				t.Errorf("check %s: %v", c.ID, err)
			}
			if !slices.Contains(r.Roles, role) {
				t.Errorf("check %s judges %s on the role %s, which the ledger does not bind", c.ID, id, role)
			}
			if why := r.Unchecked[role]; why != "" {
				t.Errorf("check %s judges %s, which the ledger calls unchecked on the role %s: %s", c.ID, id, role, why)
			}
		}
	}
	for _, r := range l.Requirements {
		for _, role := range r.Roles {
			id := ledger.ResultID(r.ID, role)
			if !judged[id] && r.Unchecked[role] == "" && len(r.From[role]) == 0 {
				t.Errorf("%s has neither a check nor a reason why it has none", id)
			}
		}
	}
	if n := len(l.Requirements); n != 78 {
		t.Errorf("the ledger has %d requirements, the draft has 78", n)
	}
}

// TestEveryJudgedRequirementHasAFault: a check that no fault turns to fail has not been
// shown to be able to fail.
func TestEveryJudgedRequirementHasAFault(t *testing.T) {
	judged := map[string]bool{}
	for _, c := range scenarios.Checks() {
		for _, id := range c.Requirements {
			judged[ledger.ResultID(id, string(c.Role))] = true
			if len(sut.FaultsFor(id, c.Role)) == 0 {
				t.Errorf("no fault violates %s on the role %s", id, c.Role)
			}
		}
	}
	for _, f := range sut.Faults() {
		for _, id := range f.Informs {
			if r, err := requirements(t).Find(id); err != nil || r.Level != ledger.Informative {
				t.Errorf("fault %s is to be noted on %s, which is not informative: %v", f.Name, id, err)
			}
		}
		for _, id := range slices.Concat(f.Requirements, f.Informs) {
			if !judged[ledger.ResultID(id, string(f.Role))] {
				t.Errorf("fault %s says that it violates %s on the role %s, which no check judges", f.Name, id, f.Role)
			}
		}
	}
}
