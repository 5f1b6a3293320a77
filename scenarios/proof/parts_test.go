// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// TestEachPartIsSeenByItself: where several parts of a check judge one requirement, the matrix
// does not tell in which of them a fault is seen.
func TestEachPartIsSeenByItself(t *testing.T) {
	t.Parallel()
	checks := scenarios.Checks()
	// What one storm has brought may still come in the next one, on a busy machine.
	for _, row := range []struct{ fault, check, want string }{
		{"reflect-reports", "2.14-storms", `more keep-alives than promised during [^;]*\breports\b`},
		{"reflect-takeovers", "2.14-storms", `more keep-alives than promised during [^;]*\btakeovers\b`},
		{"reflect-registrations", "2.14-storms", `more keep-alives than promised during [^;]*\bre-registrations\b`},
		{"take-changed-records", "2.10-pe-tampering", `a keep-alive, a bit flipped: it was acknowledged`},
		{"take-changed-records", "2.10-pe-tampering", `a rejection of a registration, a bit flipped: it was taken for a grant`},
	} {
		t.Run(row.fault, func(t *testing.T) {
			t.Parallel()
			faults, err := sut.FindFaults(row.fault)
			if err != nil {
				t.Fatal(err)
			}
			target, err := sut.NewEmbedded(faults...)
			if err != nil {
				t.Fatal(err)
			}
			n := slices.IndexFunc(checks, func(c engine.Check) bool { return c.ID == row.check })
			e := &engine.Engine{Target: target, Ledger: requirements(t), Seed: 1}
			out := e.RunCheck(t.Context(), &checks[n], func(string) bool { return true })
			want, seen := regexp.MustCompile(row.want), false
			for _, r := range out.Results {
				seen = seen || r.Verdict == reports.Fail && want.MatchString(r.Reason)
			}
			if !seen {
				t.Errorf("no result fails with %q: %+v", row.want, out.Results)
			}
		})
	}
}
