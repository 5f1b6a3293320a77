// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// A claim names whose product it is, what judged it and how to repeat it, and says whether it is
// complete; without that, or when somebody has touched the reports, there is none.
func TestClaimIsAttributableAndWhole(t *testing.T) {
	t.Parallel()
	v := vendor{dir: t.TempDir()}
	const who = "claim: {organisation: Example, product: exampled, version: '2.1', contact: a@example.org}\n"
	const file = "version: 1\nname: x\nroles: [pu]\nunsupported: [{section: '2.17', reason: no extensions}]\nadapter: {command: [rspthreat, adapter], parallel: true}\n"
	v.write(t, "sut.yaml", file+who)
	v.write(t, "nameless.yaml", file)
	out := v.path("report")
	run := func(file string, more ...string) {
		t.Helper()
		args := append([]string{"run", "-q", "--sut", v.path(file), "--out", out}, more...)
		if code, stdout, stderr := rspthreat(t.Context(), args...); code != reports.ExitConforms {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
	}
	run("sut.yaml", "--requirement", "T2.7-R1")
	code, stdout, stderr := rspthreat(t.Context(), "claim", out)
	for _, want := range []string{"Partial claim (only a selection was judged)", "Example", "exampled", "2.1", "example.org", "draft-ietf-rserpool-threats-15", "rspthreat run --sut", "| pass | 1 |"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, it does not say %q:\n%s%s", code, want, stdout, stderr)
		}
	}
	run("sut.yaml")
	if code, stdout, _ = rspthreat(t.Context(), "claim", out); code != 0 || !strings.Contains(stdout, "Complete claim. Every binding requirement that was judged is met.") || !strings.Contains(stdout, "no extensions") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	if err := os.WriteFile(filepath.Join(out, reports.ResultsFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr = rspthreat(t.Context(), "claim", out); code != reports.ExitUsage || !strings.Contains(stderr, "not whole") {
		t.Errorf("reports that were changed: exit code %d, %s", code, stderr)
	}
	out = v.path("nameless")
	run("nameless.yaml", "--requirement", "T2.7-R1")
	if code, _, stderr = rspthreat(t.Context(), "claim", out); code != reports.ExitUsage || !strings.Contains(stderr, "claim.organisation") {
		t.Errorf("nobody's product: exit code %d, %s", code, stderr)
	}
}
