// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// atOnce is how many checks run side by side: they wait more than they compute.
const atOnce = 8

func judge(t *testing.T, faults ...sut.Fault) *reports.Results {
	t.Helper()
	target, err := sut.NewEmbedded(faults...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	e := &engine.Engine{Target: target, Ledger: l, Checks: scenarios.Checks(), Command: "rspthreat run", Seed: 1}
	results, err := e.Execute(t.Context(), engine.Selection{}, atOnce, func(*engine.Outcome) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// violated are the requirements that are not met: fail, or warn where the level is SHOULD.
func violated(t *testing.T, results *reports.Results) []string {
	t.Helper()
	var ids []string
	for _, r := range results.Results {
		switch r.Verdict {
		case reports.Fail, reports.Warn:
			ids = append(ids, r.ID)
		case reports.HarnessError:
			t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestReferenceWithoutFaultsMeetsEveryRequirement(t *testing.T) {
	results := judge(t)
	for _, r := range results.Results {
		if r.Check != "" && r.Verdict != reports.Pass {
			t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
		}
	}
	if results.ExitCode != reports.ExitConforms {
		t.Errorf("exit code %d", results.ExitCode)
	}
}

// expected are the results that a fault violates: its requirements, and what follows from
// them.
func expected(t *testing.T, f sut.Fault) []string {
	t.Helper()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	role := string(f.Role)
	var ids []string
	for _, id := range f.Requirements {
		ids = append(ids, ledger.ResultID(id, role))
	}
	for _, r := range l.Requirements {
		if slices.ContainsFunc(r.From[role], func(id string) bool { return slices.Contains(f.Requirements, id) }) {
			ids = append(ids, ledger.ResultID(r.ID, role))
		}
	}
	slices.Sort(ids)
	return ids
}

// TestEachFaultViolatesExactlyItsRequirements is what shows that the checks can fail, and
// fail for what they are about.
func TestEachFaultViolatesExactlyItsRequirements(t *testing.T) {
	for _, f := range sut.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			results := judge(t, f)
			want := expected(t, f)
			if got := violated(t, results); !slices.Equal(got, want) {
				t.Errorf("violated: %v\nwant:     %v", got, want)
			}
			for _, r := range results.Results {
				if r.Verdict == reports.Inconclusive && !f.Disables {
					t.Errorf("%s: %s: %s", r.ID, r.Verdict, r.Reason)
				}
			}
		})
	}
}
