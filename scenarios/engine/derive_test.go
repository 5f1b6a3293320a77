// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// TestVerdictsFollowFromOthers: section 3 says that ASAP "must control the number of
// endpoint unreachable messages", of which section 2.13 has a SHOULD.
func TestVerdictsFollowFromOthers(t *testing.T) {
	const source, derived = "T2.13-R1", "T3-R7@pu"
	for _, row := range []struct {
		name   string
		oracle engine.Step
		roles  []sut.Role
		want   reports.Verdict
		says   string
	}{
		{"met", fine, sut.Roles(), reports.Pass, source},
		{"not met", broken, sut.Roles(), reports.Fail, "it is broken"},
		{"not judged", fine, []sut.Role{sut.Registrar}, reports.NotApplicable, source},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := check(func(ctx context.Context, r *engine.Run) { r.Oracle(ctx, "oracle", row.oracle) }, source)
			c.Role = engine.PoolUser
			e := newEngine(t, &fake{roles: row.roles}, c)
			results, err := e.Execute(t.Context(), engine.Selection{Requirements: []string{"T3-R7"}}, 1, func(*engine.Outcome) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if len(results.Results) != 1 {
				t.Fatalf("%d results, want only the selected one", len(results.Results))
			}
			if got := results.Results[0]; got.ID != derived || got.Verdict != row.want || !strings.Contains(got.Reason, row.says) {
				t.Errorf("%s: %s (%s), want %s: %s", got.ID, got.Verdict, got.Reason, row.want, row.says)
			}
		})
	}
}
