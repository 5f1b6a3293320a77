// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// TestEachStormIsSeenByItself: the three storms of section 2.14 are judged by one requirement,
// so the matrix does not tell which of them a fault is seen in.
func TestEachStormIsSeenByItself(t *testing.T) {
	t.Parallel()
	for fault, storm := range map[string]string{
		"reflect-reports":       "reports",
		"reflect-takeovers":     "takeovers",
		"reflect-registrations": "re-registrations",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			faults, err := sut.FindFaults(fault)
			if err != nil {
				t.Fatal(err)
			}
			target, err := sut.NewEmbedded(faults...)
			if err != nil {
				t.Fatal(err)
			}
			checks := scenarios.Checks()
			n := slices.IndexFunc(checks, func(c engine.Check) bool { return c.ID == "2.14-storms" })
			e := &engine.Engine{Target: target, Ledger: requirements(t), Seed: 1}
			out := e.RunCheck(t.Context(), &checks[n], func(string) bool { return true })
			for _, r := range out.Results {
				if want := "more keep-alives than promised during " + storm + ";"; r.Verdict != reports.Fail || !strings.HasPrefix(r.Reason, want) {
					t.Errorf("%s: %s: %q, not %q", r.ID, r.Verdict, r.Reason, want)
				}
			}
		})
	}
}
