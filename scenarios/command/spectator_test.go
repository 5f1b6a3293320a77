// SPDX-License-Identifier: Apache-2.0

package command

import (
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
)

func TestSpectatorSeesALineForEachCheckThatIsMade(t *testing.T) {
	t.Parallel()
	result := func(id string, v reports.Verdict) reports.Result {
		return reports.Result{Requirement: id, Verdict: v, Duration: 1200 * time.Millisecond}
	}
	outcome := func(results ...reports.Result) *engine.Outcome {
		return &engine.Outcome{Check: reports.Check{Section: "2.3", Role: "pe", Title: "A title"}, Results: results}
	}
	for _, row := range []struct {
		o    *engine.Outcome
		want string
	}{
		{outcome(result("A", reports.Pass), result("B", reports.Pass)), "pass          pe          1.2s  2.3  A title\n"},
		{
			outcome(result("A", reports.Fail), result("B", reports.Warn), result("C", reports.Fail)),
			"fail          pe          1.2s  2.3  A title [A, C]\n",
		},
		{outcome(result("A", reports.Unsupported), result("B", reports.Warn)), "warn          pe          1.2s  2.3  A title [B]\n"},
		{outcome(result("A", reports.NotApplicable), result("B", reports.Unsupported)), ""},
		{outcome(), ""},
	} {
		var b strings.Builder
		spectator{&b}.check(row.o)
		if b.String() != row.want {
			t.Errorf("got %q, want %q", b.String(), row.want)
		}
	}
}
