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
	judged := map[string]bool{}
	ids := map[string]bool{}
	for _, c := range scenarios.Checks() {
		if ids[c.ID] {
			t.Errorf("two checks are called %s", c.ID)
		}
		ids[c.ID] = true
		for _, id := range c.Requirements {
			judged[id] = true
			r, err := l.Find(id)
			if err != nil {
				t.Errorf("check %s: %v", c.ID, err)
			}
			if r.Unchecked != "" {
				t.Errorf("check %s judges %s, which the ledger calls unchecked: %s", c.ID, id, r.Unchecked)
			}
		}
	}
	for _, r := range l.Requirements {
		if !judged[r.ID] && r.Unchecked == "" {
			t.Errorf("%s has neither a check nor a reason why it has none", r.ID)
		}
	}
	if n := len(l.Requirements); n != 78 {
		t.Errorf("the ledger has %d requirements, the draft has 78", n)
	}
}

// TestEveryJudgedRequirementHasAFault: a check that no fault turns to fail has not been
// shown to be able to fail.
func TestEveryJudgedRequirementHasAFault(t *testing.T) {
	var judged []string
	for _, c := range scenarios.Checks() {
		judged = append(judged, c.Requirements...)
	}
	for _, id := range judged {
		if len(sut.FaultsFor(id)) == 0 {
			t.Errorf("no fault violates %s", id)
		}
	}
	for _, f := range sut.Faults() {
		for _, id := range f.Requirements {
			if !slices.Contains(judged, id) {
				t.Errorf("fault %s says that it violates %s, which no check judges", f.Name, id)
			}
		}
	}
}
