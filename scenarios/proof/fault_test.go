// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/scenarios/proof"
	"github.com/rspthreat/rspthreat/sut"
)

func requirements(t *testing.T) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func judge(t *testing.T, faults ...sut.Fault) *reports.Results {
	t.Helper()
	results, err := proof.Judge(t.Context(), requirements(t), scenarios.Checks(), faults...)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestReferenceWithoutFaultsMeetsEveryRequirement(t *testing.T) {
	results := judge(t)
	for _, r := range results.Results {
		if r.Check != "" && r.Verdict != reports.Pass || proof.Noted(r) {
			t.Errorf("%s: %s: %s %q", r.ID, r.Verdict, r.Reason, r.Information)
		}
	}
	if results.ExitCode != reports.ExitConforms {
		t.Errorf("exit code %d", results.ExitCode)
	}
}

// faultsAtOnce keeps two processors busy. Three times as many are not done sooner, take half
// as much computing again, and keep honest nodes waiting.
const faultsAtOnce = 8

// TestEachFaultViolatesExactlyItsRequirements is what shows that the checks can fail, and
// fail for what they are about.
func TestEachFaultViolatesExactlyItsRequirements(t *testing.T) {
	t.Parallel()
	l := requirements(t)
	places := make(chan struct{}, faultsAtOnce)
	for _, f := range sut.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			places <- struct{}{}
			defer func() { <-places }()
			_, departures, err := proof.Prove(t.Context(), l, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range departures {
				t.Error(d)
			}
		})
	}
}
