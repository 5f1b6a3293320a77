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

	"github.com/goccy/go-yaml"

	"github.com/rspthreat/rspthreat/reports"
)

// runTimeout bounds provisioning, the boot of the guest and all checks: some two minutes on two free processors, of which
// a good part are rsplib's keep-alive time-outs.
const runTimeout = 8 * time.Minute

// expectation is a line of an expected-verdict file.
type expectation struct {
	Result  string          `yaml:"result"` // requirement@role, or *@role for all that have no line
	Verdict reports.Verdict `yaml:"verdict"`
	Reason  string          `yaml:"reason"`
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

// judge runs the command beside a guest with so many registrars and reads its results.
func judge(t *testing.T, sut, registrars string) *reports.Results {
	t.Helper()
	command, dir := build(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, "guest", "run", "--registrars", registrars, "--", command, "run", "--sut", sut, "--out", dir)
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

// compare holds results against an expected-verdict file, in both directions.
func compare(t *testing.T, results *reports.Results, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []expectation
	if err := yaml.UnmarshalWithOptions(b, &lines, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	expected := make(map[string]expectation)
	for _, l := range lines {
		if _, twice := expected[l.Result]; twice || l.Reason == "" {
			t.Errorf("%s: %s is there twice, or without a reason", file, l.Result)
		}
		expected[l.Result] = l
	}
	general := make(map[string]expectation) // by role
	for id, l := range expected {
		if role, all := strings.CutPrefix(id, "*@"); all {
			general[role] = l
			delete(expected, id)
		}
	}
	for _, r := range results.Results {
		want, ok := expected[r.ID]
		delete(expected, r.ID)
		if !ok && r.Verdict != reports.NotApplicable {
			want, ok = general[r.Role]
		}
		switch {
		case !ok && r.Verdict != reports.NotApplicable:
			t.Errorf("%s: %s (%s), and no line in %s", r.ID, r.Verdict, r.Reason, file)
		case ok && r.Verdict != want.Verdict:
			t.Errorf("%s: %s (%s), want %s: %s", r.ID, r.Verdict, r.Reason, want.Verdict, want.Reason)
		}
	}
	for id := range expected {
		t.Errorf("%s is not in the results", id)
	}
}

func TestRsplibIsShownToHaveNoSecurity(t *testing.T) {
	results := judge(t, "../../sut/rsplib.yaml", "1")
	compare(t, results, "registrar.yaml")
	for _, c := range results.Checks {
		for _, s := range c.Steps {
			if s.Kind == reports.Baseline && s.Verdict != reports.Pass {
				t.Errorf("check %s: baseline %q: %s", c.ID, s.Title, s.Outcome)
			}
		}
	}
	proofs(t, results)
	for _, r := range results.Results {
		if r.Requirement == "T2.8-R1" && r.Role == "registrar" {
			for _, leg := range []string{
				"the registration that was replayed in the same association", "the registration that was replayed in a new association",
				"the deregistration that was replayed into a new association", "the deregistration that was replayed in the same association",
				"the update that was replayed in the same association", "the removal that was replayed in the same association",
			} {
				if !strings.Contains(r.Reason, leg) {
					t.Errorf("%s does not show %s: %s", r.ID, leg, r.Reason)
				}
			}
		}
	}
}

// The pool element and the pool user in C of the examples, built as the example says, behind their adapter in the guest.
func TestRsplibElementAndUserBehindTheirAdapter(t *testing.T) {
	const example = "../../sut/examples/rsplib"
	dir := t.TempDir()
	gcc := exec.CommandContext(t.Context(), "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", filepath.Join(dir, "adapter"), "adapter.c", "-lrsplib", "-ljson-c")
	gcc.Dir = example
	if out, err := gcc.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(example, "rsplib-nodes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "rsplib-nodes.yaml") // beside the adapter
	if err := os.WriteFile(config, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	compare(t, judge(t, config, "0"), "nodes.yaml")
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
