//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reports"
)

// runTimeout bounds provisioning, the boot of the guest and all checks: a minute and a half
// on two free processors, of which 35 s are rsplib's keep-alive time-outs.
const runTimeout = 8 * time.Minute

// expected are the verdicts on rsplib 3.4, with the reason why each must be so.
var expected = map[string]struct {
	verdict reports.Verdict
	reason  string
}{
	"T2.1-R1":  {reports.Fail, "rsplib has no authentication: whoever registers is registered"},
	"T2.1-R2":  {reports.Fail, "rsplib has no TLS"},
	"T2.1-R3":  {reports.NotApplicable, "without TLS there are no key holders"},
	"T2.2-R1":  {reports.Fail, "a flood of registrations fills the handlespace"},
	"T2.2-R2":  {reports.Fail, "as T2.3-R2"},
	"T2.2-R3":  {reports.Fail, "as T2.1-R2"},
	"T2.2-R4":  {reports.NotApplicable, "as T2.1-R3"},
	"T2.3-R1":  {reports.Fail, "any node may re-register and deregister any element"},
	"T2.3-R2":  {reports.Fail, "a registration in clear is the only one there is"},
	"T2.3-R3":  {reports.Fail, "as T2.1-R2"},
	"T2.3-R4":  {reports.NotApplicable, "as T2.1-R3"},
	"T2.3-R6":  {reports.Fail, "elements have no owner; an acknowledgement counts whoever sends it"},
	"T2.4-R1":  {reports.Fail, "there is no authorisation for pools"},
	"T2.4-R2":  {reports.Fail, "as T2.3-R2"},
	"T2.4-R3":  {reports.Fail, "as T2.1-R2"},
	"T2.4-R4":  {reports.NotApplicable, "as T2.1-R3"},
	"T2.8-R1":  {reports.Fail, "nothing tells a replayed message from a new one"},
	"T2.8-R2":  {reports.Fail, "as T2.8-R1"},
	"T2.10-R1": {reports.Fail, "in clear a message that was changed on the way cannot be told from another one"},
	"T2.10-R2": {reports.Fail, "as T2.10-R1, from elements and from peers"},
	"T2.10-R3": {reports.Fail, "as T2.10-R1, and TLS is not there to help"},
	"T2.11-R1": {reports.Warn, "everything is in clear; the draft has a SHOULD here"},
	"T2.11-R2": {reports.Fail, "everything is in clear, and TLS is not there to help"},
	"T2.15-R1": {reports.NotApplicable, "about a secured registrar"},
	"T2.15-R2": {reports.Pass, "the whole handlespace is insecure, consistently"},
	"T2.15-R3": {reports.NotApplicable, "about a secured registrar"},
	"T2.15-R4": {reports.NotApplicable, "about a secured registrar"},
	"T2.15-R5": {reports.NotApplicable, "about a secured registrar"},
	"T2.17-R3": {reports.Pass, "informative: rsplib does not know signed policies, and the report says so"},
}

// build makes the command, since the guest runs it too; a test binary may be built with
// the race detector, which does not fit into the guest.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rspthreat")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, "github.com/rspthreat/rspthreat").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

func judge(t *testing.T) *reports.Results {
	t.Helper()
	command, dir := build(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "guest", "run", "--", command, "run", "--sut", "../../sut/rsplib.yaml", "--out", dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // the guest ends with its supervisor
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != reports.ExitViolations {
		t.Errorf("exit code %d, want %d", code, reports.ExitViolations)
	}
	f, err := os.Open(filepath.Join(dir, reports.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := reports.ReadResults(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Checks {
		if len(c.Steps) == 0 {
			continue // not applicable
		}
		if info, err := os.Stat(filepath.Join(dir, c.Capture)); err != nil || info.Size() == 0 {
			t.Errorf("check %s has no capture: %v", c.ID, err)
		}
	}
	return r
}

func TestRsplibIsShownToHaveNoSecurity(t *testing.T) {
	results := judge(t)
	seen := 0
	for _, r := range results.Results {
		want, ok := expected[r.Requirement]
		if !ok || r.Role != "registrar" {
			continue
		}
		seen++
		if r.Verdict != want.verdict {
			t.Errorf("%s: %s (%s), want %s: %s", r.ID, r.Verdict, r.Reason, want.verdict, want.reason)
		}
	}
	if seen != len(expected) {
		t.Errorf("%d of %d requirements are in the report", seen, len(expected))
	}
	for _, c := range results.Checks {
		for _, s := range c.Steps {
			if s.Kind == reports.Baseline && s.Verdict != reports.Pass {
				t.Errorf("check %s: baseline %q: %s", c.ID, s.Title, s.Outcome)
			}
		}
	}
	proofs(t, results)
	for _, r := range results.Results {
		if r.Requirement == "T2.8-R1" {
			for _, leg := range []string{"replayed in the same association", "replayed in a new association", "replayed deregistration"} {
				if !strings.Contains(r.Reason, leg) {
					t.Errorf("%s does not show what was %s: %s", r.ID, leg, r.Reason)
				}
			}
		}
	}
}

// proofs: what the attacks did must show in the handlespace as honest nodes see it, not
// only in answers.
func proofs(t *testing.T, results *reports.Results) {
	t.Helper()
	for _, proof := range []struct{ check, what string }{
		{"2.1-unauthenticated-registration", "more"},
		{"2.2-flood", "more"},
		{"2.3-clear-registration", "more"},
		{"2.3-unauthenticated-spoofing", "less"},
		{"2.4-unauthorised", "changed"},
	} {
		for _, c := range results.Checks {
			if c.ID != proof.check {
				continue
			}
			before, after := strings.Join(c.Before, "\n"), strings.Join(c.After, "\n")
			shown := map[string]bool{"more": len(c.After) > len(c.Before), "less": len(c.After) < len(c.Before), "changed": before != after}
			if !shown[proof.what] {
				t.Errorf("check %s does not show the effect of the attack:\nbefore:\n%s\nafter:\n%s", c.ID, before, after)
			}
			if len(c.Log) == 0 {
				t.Errorf("check %s has no log of the registrar", c.ID)
			}
		}
	}
}
