// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// output collects what a command prints, and calls first when the first line with what is
// waited for is there.
type output struct {
	mu    sync.Mutex
	b     bytes.Buffer
	first func()
	with  string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.first != nil && bytes.Contains(p, []byte(o.with)) {
		o.first()
		o.first = nil
	}
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// rspthreat runs the command and returns its exit code and what it printed.
func rspthreat(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, complaint output
	code = command.Main(ctx, args, &out, &complaint)
	return code, out.String(), complaint.String()
}

func results(t *testing.T, dir string) *reports.Results {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, reports.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := reports.ReadResults(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRunJudgesTheReferenceAndLeavesReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, stdout, stderr := rspthreat(t.Context(), "run", "--out", dir)
	if code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	r := results(t, dir)
	counts := reports.Counts(r.Results)
	if !strings.Contains(stdout, fmt.Sprintf("%d pass", counts[reports.Pass])) || !strings.Contains(stderr, "replays registrations") {
		t.Errorf("printed\n%s%s", stdout, stderr)
	}
	requirements := map[string]bool{}
	for _, result := range r.Results {
		requirements[result.Requirement] = true
	}
	if !r.Complete || r.ExitCode != 0 || len(requirements) != 78 || counts[reports.Pass]+counts[reports.NotApplicable] != len(r.Results) {
		t.Errorf("complete %t, exit code %d, %d requirements, verdicts %v", r.Complete, r.ExitCode, len(requirements), counts)
	}
	for _, name := range []string{reports.JUnitFile, reports.HTMLFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, c := range r.Checks {
		if _, err := os.Stat(filepath.Join(dir, c.Capture)); err != nil || c.Capture == "" {
			t.Errorf("check %s has no capture: %v", c.ID, err)
		}
	}
}

func TestRunSaysWhenARequirementIsNotMet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	code, stdout, _ := rspthreat(t.Context(), "run", "--out", dir, "--requirement", "T2.3-R6", "--fault", "skip-owner-check")
	if code != reports.ExitViolations || !strings.Contains(stdout, "T2.3-R6") {
		t.Fatalf("exit code %d\n%s", code, stdout)
	}
	r := results(t, dir)
	if len(r.Results) != 1 || r.Results[0].Verdict != reports.Fail || r.Complete || r.Faults[0] != "skip-owner-check" {
		t.Errorf("%+v", r.Results)
	}
}

// TestWrongUsageIsOneLineAndExitCodeTwo: and nothing is written.
func TestWrongUsageIsOneLineAndExitCodeTwo(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("version: 1\nname: x\ndors: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		want string
		args []string
	}{
		{"skip-nothing", []string{"run", "--fault", "skip-nothing"}},
		{"9.9", []string{"run", "--section", "9.9"}},
		{"T9-R9", []string{"run", "--requirement", "T9-R9"}},
		{"no-such.yaml", []string{"run", "--sut", "no-such.yaml"}},
		{"[3:1]", []string{"run", "--sut", bad}},
		{"--fault", []string{"run", "--sut", bad, "--fault", "skip-owner-check"}},
		{"--frobnicate", []string{"run", "--frobnicate"}},
		{"explode", []string{"explode"}},
		{"T9-R9", []string{"explain", "T9-R9"}},
		{"no-such.yaml", []string{"registrar", "--config", "no-such.yaml"}},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			t.Chdir(t.TempDir())
			code, stdout, stderr := rspthreat(t.Context(), row.args...)
			if code != reports.ExitUsage || !strings.Contains(stderr, row.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q; want one line that names %q", code, stdout, stderr, row.want)
			}
			if _, err := os.Stat("rspthreat-report/index.html"); err == nil {
				t.Error("a report was written")
			}
		})
	}
}

func TestSelectionWithoutChecksIsNotAPass(t *testing.T) {
	t.Parallel()
	if code, stdout, _ := rspthreat(t.Context(), "run", "--out", t.TempDir(), "--requirement", "T2.9-R2"); code != reports.ExitNothingRan {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

func TestReportsThatCannotBeWrittenAreOneLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := rspthreat(t.Context(), "run", "-q", "--out", file)
	if code != reports.ExitUnreachable || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, file) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestInterruptedRunWritesWhatItHas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	progress := &output{first: func() { cancel(errors.New("interrupt")) }, with: "pass"}
	var stdout output
	code := command.Main(ctx, []string{"run", "--out", dir, "-j", "1"}, &stdout, progress)
	r := results(t, dir)
	if code != reports.ExitUnreachable || r.Interrupted == "" || r.Complete {
		t.Errorf("exit code %d, interrupted %q, complete %t", code, r.Interrupted, r.Complete)
	}
	counts := reports.Counts(r.Results)
	if counts[reports.Pass] == 0 || counts[reports.Inconclusive] == 0 || counts[reports.Pass]+counts[reports.Inconclusive]+counts[reports.NotApplicable] != len(r.Results) {
		t.Errorf("verdicts %v, want the first check's to stand and the others inconclusive", counts)
	}
}

func TestListAndExplainNameWhatTheUserNeeds(t *testing.T) {
	t.Parallel()
	_, stdout, _ := rspthreat(t.Context(), "list")
	if strings.Count(stdout, "\n") != 78 || !strings.Contains(stdout, "T2.8-R1") {
		t.Errorf("list printed\n%s", stdout)
	}
	if _, stdout, _ = rspthreat(t.Context(), "list", "--faults"); !strings.Contains(stdout, "skip-owner-check") {
		t.Errorf("list --faults printed\n%s", stdout)
	}
	_, stdout, _ = rspthreat(t.Context(), "explain", "T2.3-R6")
	for _, want := range []string{"2.3-acting-for-another", "skip-owner-check", "attacker", "rspthreat run --requirement T2.3-R6 --fault"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("explain does not say %q:\n%s", want, stdout)
		}
	}
}

func TestProveShowsWhatAFaultViolates(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := rspthreat(t.Context(), "prove", "--fault", "accept-clear-update")
	if code != reports.ExitConforms || !strings.Contains(stdout, "accept-clear-update") || !strings.Contains(stdout, "violates T2.15-R4@registrar, T2.15-R5@registrar") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr = rspthreat(t.Context(), "prove", "--fault", "no-such-fault"); code != reports.ExitUsage || !strings.Contains(stderr, "no-such-fault") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
