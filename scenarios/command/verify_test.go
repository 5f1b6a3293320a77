// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// writeReport writes the reports of r into a directory of the test, without running anything.
func writeReport(t *testing.T, r *reports.Results) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "report")
	w, err := reports.NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Checks {
		if err := w.AddCheck(&r.Checks[i], nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(r); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestVerifyTellsWhetherAReportIsWhole(t *testing.T) {
	t.Parallel()
	dir := writeReport(t, &reports.Results{Checks: []reports.Check{{ID: "2.1-x", Log: []string{"said"}}}})
	code, stdout, stderr := rspthreat(t.Context(), "verify", dir)
	if code != 0 || !strings.Contains(stdout, ": whole (") || stderr != "" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	log := filepath.Join(dir, reports.EvidenceDir, "2.1-x", reports.LogFile)
	if err := os.WriteFile(log, []byte("# rspthreat: said something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a\x1b[2J"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, _ = rspthreat(t.Context(), "verify", dir)
	if code != 1 || !strings.Contains(stdout, "changed  evidence/2.1-x/system.log\n") || !strings.Contains(stdout, `added    a\x1b[2J`) || !strings.Contains(stdout, "not whole: 0 missing, 1 changed, 1 added") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "x")} {
		if code, stdout, stderr := rspthreat(t.Context(), "verify", dir); code != 2 || stdout != "" || !strings.Contains(stderr, dir) {
			t.Errorf("no report: exit code %d, %q, %q", code, stdout, stderr)
		}
	}
}

func TestRunWritesTheJobSummary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", path)
	code, _, stderr := rspthreat(t.Context(), "run", "-q", "--out", t.TempDir(), "--requirement", "T2.3-R6")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 || !strings.HasPrefix(string(b), "before\n<!-- rspthreat -->\n# ✓ Conforms") {
		t.Errorf("exit code %d, %q, %q", code, b, stderr)
	}
}
