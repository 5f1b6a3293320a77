// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// judged runs the command and returns the verdicts on elements and users that it came to.
func judged(t *testing.T, args ...string) map[string]reports.Result {
	t.Helper()
	out := t.TempDir()
	code, stdout, stderr := rspthreat(t.Context(), append([]string{"run", "-q", "--out", out}, args...)...)
	if code != reports.ExitConforms && code != reports.ExitViolations {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	found := make(map[string]reports.Result)
	for _, r := range results(t, out).Results {
		if r.Role != "registrar" {
			found[r.ID] = r
		}
	}
	return found
}

// The reference gets the same verdicts when it is driven over a pipe as within the process.
func TestReferenceBehindAnAdapterIsJudgedAsInProcess(t *testing.T) {
	t.Parallel()
	v := vendor{dir: t.TempDir()}
	v.write(t, "sut.yaml", "version: 1\nname: piped\nroles: [pe, pu]\nadapter: {command: [rspthreat, adapter], parallel: true}\n")
	piped, embedded := judged(t, "--sut", v.path("sut.yaml")), judged(t)
	passes := 0
	for id, want := range embedded {
		if got := piped[id]; got.Verdict != want.Verdict {
			t.Errorf("%s: %s (%s) over the pipe, %s (%s) in process", id, got.Verdict, got.Reason, want.Verdict, want.Reason)
		}
		if want.Verdict == reports.Pass {
			passes++
		}
	}
	if passes == 0 {
		t.Error("nothing was judged")
	}
}

// A fault behind the adapter shows as it does in process.
func TestFaultBehindAnAdapterIsFound(t *testing.T) {
	t.Parallel()
	v := vendor{dir: t.TempDir()}
	v.write(t, "sut.yaml", "version: 1\nname: faulty\nroles: [pu]\nadapter: {command: [rspthreat, adapter, --fault, user-ignore-chain]}\n")
	got := judged(t, "--sut", v.path("sut.yaml"), "--requirement", "T2.7-R1")["T2.7-R1@pu"]
	if got.Verdict != reports.Warn { // the draft has a SHOULD here
		t.Errorf("%s: %s", got.Verdict, got.Reason)
	}
}

// The adapter to copy from drives the daemons. What they have no way to do is unsupported.
func TestAdapterInPythonDrivesTheDaemons(t *testing.T) {
	t.Parallel()
	adapter, err := filepath.Abs("../../sut/examples/python/adapter.py")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v := vendor{dir: t.TempDir()}
	v.write(t, "sut.yaml", "version: 1\nname: daemons\nroles: [pe, pu]\nadapter: {command: [python3, "+adapter+", --rspthreat, "+self+"], parallel: true}\n")
	counts := make(map[reports.Verdict]int)
	for id, r := range judged(t, "--sut", v.path("sut.yaml")) {
		counts[r.Verdict]++
		switch r.Verdict {
		case reports.Pass, reports.Unsupported, reports.NotApplicable:
		default:
			t.Errorf("%s: %s: %s", id, r.Verdict, r.Reason)
		}
	}
	if counts[reports.Pass] == 0 || counts[reports.Unsupported] == 0 {
		t.Errorf("verdicts %v", counts)
	}
}
