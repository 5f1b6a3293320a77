// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// A known failure is judged and does not make the run fail; whatever about it is not as the
// baseline says does.
func TestKnownFailuresAreAcceptedAsLongAsNothingChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	known, out := filepath.Join(dir, "known.yaml"), filepath.Join(dir, "report")
	judge := func(fault string, more ...string) (int, string, *reports.Results) {
		t.Helper()
		args := []string{"run", "-q", "--out", out, "--requirement", "T2.3-R6"}
		if fault != "" {
			args = append(args, "--fault", fault)
		}
		code, stdout, stderr := rspthreat(t.Context(), append(args, more...)...)
		return code, stdout + stderr, results(t, out)
	}
	edit := func(from, to string) {
		t.Helper()
		vendor{dir: dir}.edit(t, "known.yaml", from, to)
	}
	if code, said, _ := judge("skip-owner-check"); code != reports.ExitViolations {
		t.Fatalf("exit code %d: %s", code, said)
	}
	code, stdout, stderr := rspthreat(t.Context(), "baseline", out, "--baseline", known, "--reason", "issue filed", "--link", "https://example.org/1", "--expires", "2999-12-31")
	if code != 0 || !strings.Contains(stdout, "T2.3-R6@registrar: added") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	code, said, r := judge("skip-owner-check", "--baseline", known)
	if code != reports.ExitConforms || r.Results[0].Verdict != reports.Fail || !strings.Contains(said, "issue filed") {
		t.Errorf("known: exit code %d, %s: %s", code, r.Results[0].Verdict, said)
	}
	junit, err := os.ReadFile(filepath.Join(out, reports.JUnitFile))
	if err != nil || strings.Contains(string(junit), "<failure") || !strings.Contains(string(junit), "https://example.org/1") {
		t.Errorf("junit.xml: %v\n%s", err, junit)
	}
	// Met now.
	code, said, r = judge("", "--baseline", known)
	if code != reports.ExitViolations || r.Results[0].Verdict != reports.Pass || !strings.Contains(said, "met now") {
		t.Errorf("fixed: exit code %d, %s: %s", code, r.Results[0].Verdict, said)
	}
	if junit, err = os.ReadFile(filepath.Join(out, reports.JUnitFile)); err != nil || !strings.Contains(string(junit), "<failure") {
		t.Errorf("junit.xml shows nothing of it: %v", err)
	}
	// Expired, and prolonged.
	edit("2999-12-31", "2020-12-31")
	if code, said, _ = judge("skip-owner-check", "--baseline", known); code != reports.ExitViolations || !strings.Contains(said, "no longer") {
		t.Errorf("expired: exit code %d: %s", code, said)
	}
	if _, stdout, _ = rspthreat(t.Context(), "baseline", out, "--baseline", known, "--expires", "2999-01-01"); !strings.Contains(stdout, "prolonged until 2999-01-01") {
		t.Errorf("baseline: %s", stdout)
	}
	if code, said, _ = judge("skip-owner-check", "--baseline", known); code != reports.ExitConforms {
		t.Errorf("prolonged: exit code %d: %s", code, said)
	}
	// Fails in another way.
	b, err := reports.LoadBaseline(known)
	if err != nil {
		t.Fatal(err)
	}
	edit(b.Known[0].Fingerprint, "0123456789abcdef")
	if code, said, _ = judge("skip-owner-check", "--baseline", known); code != reports.ExitViolations || !strings.Contains(said, "not in this way") {
		t.Errorf("changed: exit code %d: %s", code, said)
	}
	if _, stdout, _ = rspthreat(t.Context(), "baseline", out, "--baseline", known); !strings.Contains(stdout, "renewed") {
		t.Errorf("baseline: %s", stdout)
	}
	after, err := reports.LoadBaseline(known)
	if err != nil || len(after.Known) != 1 {
		t.Fatalf("%+v, %v", after, err)
	}
	after.Known[0].Seen = b.Known[0].Seen // identifiers differ from run to run
	if after.Known[0] != b.Known[0] {
		t.Errorf("what people have written does not stay: %+v", after.Known[0])
	}
	// It can go.
	judge("")
	if _, stdout, _ = rspthreat(t.Context(), "baseline", out, "--baseline", known); !strings.Contains(stdout, "removed: it is met") || !strings.Contains(stdout, "0 known failures") {
		t.Errorf("baseline: %s", stdout)
	}
}

func TestBaselineThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	const good = "version: 1\nknown:\n  - {result: T2.3-R6@registrar, verdict: fail, fingerprint: 00, seen: x, reason: y}\n"
	for _, row := range []struct{ from, to, want string }{
		{"version: 1", "version: 2", "version: is 2"},
		{"reason: y", "reason: ' '", "known[0].reason"},
		{"reason: y", "resaon: y", "resaon"},
		{"verdict: fail", "verdict: pass", "known[0].verdict"},
		{"fingerprint: 00, ", "", "known[0].fingerprint"},
		{"T2.3-R6@registrar", "T9.9-R9@registrar", "T9.9-R9"},
		{"reason: y", "reason: y, expires: soon", "known[0].expires"},
	} {
		v := vendor{dir: t.TempDir()}
		v.write(t, "known.yaml", strings.Replace(good, row.from, row.to, 1))
		code, _, stderr := rspthreat(t.Context(), "run", "--baseline", v.path("known.yaml"), "--out", v.path("report"))
		if code != reports.ExitUsage || !strings.Contains(stderr, row.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit code %d, %s", row.to, code, stderr)
		}
	}
}

// The parts of a run have every requirement once between them, and the joined report is whole.
func TestShardsMakeAWholeReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var parts []string
	for _, i := range []string{"1", "2", "3"} {
		out := filepath.Join(dir, i)
		parts = append(parts, out)
		if code, stdout, stderr := rspthreat(t.Context(), "run", "-q", "--shard", i+"/3", "--out", out); code != reports.ExitConforms {
			t.Fatalf("part %s: exit code %d\n%s%s", i, code, stdout, stderr)
		}
	}
	whole := filepath.Join(dir, "whole")
	code, stdout, stderr := rspthreat(t.Context(), append([]string{"report", "merge", "--out", whole}, parts...)...)
	if r := results(t, whole); code != reports.ExitConforms || !r.Complete {
		t.Errorf("exit code %d, complete %t\n%s%s", code, r.Complete, stdout, stderr)
	}
	for _, wrong := range []string{"0/3", "4/3", "x/3", "1", "1/99"} {
		if code, _, stderr := rspthreat(t.Context(), "run", "--shard", wrong, "--out", dir); code != reports.ExitUsage || !strings.Contains(stderr, "--shard") {
			t.Errorf("--shard %s: exit code %d, %s", wrong, code, stderr)
		}
	}
}
