// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

func TestDiffTellsWhatIsWorse(t *testing.T) {
	run := func(v reports.Verdict) string {
		return writeReport(t, &reports.Results{Complete: true, Results: []reports.Result{{ID: "T2.1-R1@registrar", Section: "2.1", Role: "registrar", Verdict: v, Reason: "because"}}})
	}
	good, bad, lost := run(reports.Pass), run(reports.Fail), run(reports.Inconclusive)
	summary := filepath.Join(t.TempDir(), "summary.md")
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{good, bad}, 1, "worse    T2.1-R1@registrar: pass -> fail: because\n"},
		{[]string{bad, good}, 0, "better   T2.1-R1@registrar: fail -> pass"},
		{[]string{good, filepath.Join(good, reports.ResultsFile)}, 0, "1 same"},
		{[]string{good, lost}, 3, "gone     T2.1-R1@registrar: pass -> inconclusive"},
		{[]string{"-f", "html", good, bad}, 1, "<strong>Worse than before</strong>"},
		{[]string{"-f", "markdown", good, bad}, 1, "| worse | T2.1-R1"},
	} {
		code, stdout, stderr := rspthreat(t.Context(), append([]string{"diff"}, row.args...)...)
		if code != row.code || !strings.Contains(stdout, row.says) || stderr != "" {
			t.Errorf("%q: exit code %d, want %d\n%s%s", row.args, code, row.code, stdout, stderr)
		}
	}
	if b, err := os.ReadFile(summary); err != nil || strings.Count(string(b), "\n# ") < 5 {
		t.Errorf("job summary: %v\n%s", err, b)
	}
	out := filepath.Join(t.TempDir(), "diff.html")
	if code, stdout, _ := rspthreat(t.Context(), "diff", "-f", "html", "-o", out, good, good); code != 0 || stdout != "" {
		t.Errorf("exit code %d, printed %q", code, stdout)
	}
	if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), "No worse than before") {
		t.Errorf("%s: %v", out, err)
	}
	for _, args := range [][]string{{good}, {good, t.TempDir()}, {"-f", "pdf", good, bad}} {
		if code, stdout, stderr := rspthreat(t.Context(), append([]string{"diff"}, args...)...); code != 2 || stdout != "" || stderr == "" {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestMatrixPutsImplementationsSideBySide(t *testing.T) {
	t.Parallel()
	a := writeReport(t, &reports.Results{Subject: reports.Subject{Name: "one"}, Results: []reports.Result{{ID: "T2.1-R1@registrar", Requirement: "T2.1-R1", Section: "2.1", Role: "registrar", Verdict: reports.Pass}}})
	b := writeReport(t, &reports.Results{Subject: reports.Subject{Name: "two"}, Results: []reports.Result{{ID: "T2.1-R1@registrar", Requirement: "T2.1-R1", Section: "2.1", Role: "registrar", Verdict: reports.Fail}}})
	for format, want := range map[string]string{"markdown": "| Requirement | Role | one | two |", "html": "they differ"} {
		if code, stdout, stderr := rspthreat(t.Context(), "matrix", "-f", format, a, b); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%s: exit code %d\n%s%s", format, code, stdout, stderr)
		}
	}
}

// TestPartsOfARunMakeAWholeReport judges two sections apart, as an indexed job does, and joins them.
func TestPartsOfARunMakeAWholeReport(t *testing.T) {
	t.Parallel()
	var parts []string
	for _, section := range []string{"2.3", "2.4"} {
		dir := filepath.Join(t.TempDir(), section)
		if code, stdout, stderr := rspthreat(t.Context(), "run", "-q", "--section", section, "--out", dir); code != 0 {
			t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
		}
		parts = append(parts, dir)
	}
	out := filepath.Join(t.TempDir(), "whole")
	code, stdout, stderr := rspthreat(t.Context(), append([]string{"report", "merge", "-o", out}, parts...)...)
	if code != 0 || !strings.Contains(stdout, "partial run") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	r := results(t, out)
	found := map[string]reports.Verdict{}
	for _, result := range r.Results {
		found[result.Requirement] = result.Verdict
	}
	if found["T2.3-R6"] != reports.Pass || found["T2.4-R1"] != reports.Pass || r.Complete {
		t.Errorf("complete %t, verdicts %v", r.Complete, found)
	}
	for _, c := range r.Checks {
		if _, err := os.Stat(filepath.Join(out, c.Capture)); err != nil || c.Capture == "" {
			t.Errorf("check %s has no capture: %v", c.ID, err)
		}
	}
	if code, stdout, _ := rspthreat(t.Context(), "verify", out); code != 0 {
		t.Errorf("the whole is not whole:\n%s", stdout)
	}
	// A part that was changed on the way is refused, as is writing over one.
	if code, _, stderr := rspthreat(t.Context(), append([]string{"report", "merge", "-o", parts[0]}, parts...)...); code != 2 || !strings.Contains(stderr, "another --out") {
		t.Errorf("writing over a part: exit code %d, %q", code, stderr)
	}
	if err := os.Remove(filepath.Join(parts[1], reports.JUnitFile)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := rspthreat(t.Context(), append([]string{"report", "merge", "-o", out}, parts...)...); code != 2 || !strings.Contains(stderr, "not whole") {
		t.Errorf("a part that is not whole: exit code %d, %q", code, stderr)
	}
}
