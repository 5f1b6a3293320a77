// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// runs is small for everyday; `make repeat` asks for more.
var runs = flag.Int("runs", 2, "how often TestVerdictsAreTheSameEveryTime judges the reference")

// TestVerdictsAreTheSameEveryTime: one run is a verdict, not a sample.
func TestVerdictsAreTheSameEveryTime(t *testing.T) {
	want := vector(judge(t))
	for n := 2; n <= *runs; n++ {
		if got := vector(judge(t)); got != want {
			t.Fatalf("run %d differs:\n%s\nfrom the first:\n%s", n, got, want)
		}
	}
}

func vector(results *reports.Results) string {
	var b strings.Builder
	for _, r := range results.Results {
		fmt.Fprintf(&b, "%s %s\n", r.ID, r.Verdict)
	}
	return b.String()
}
