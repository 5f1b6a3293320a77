// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/onsi/ginkgo/v2/types"
)

// TestSuiteGivesTheSameVerdicts: the ginkgo suite, in parallel processes, is another face of
// the same engine.
func TestSuiteGivesTheSameVerdicts(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "github.com/onsi/ginkgo/v2/ginkgo", "-p", "--output-dir", dir, "--json-report", "report.json", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var suites []types.Report
	if err := json.Unmarshal(b, &suites); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range suites[0].SpecReports {
		for _, e := range s.ReportEntries {
			if e.Name == "result" {
				got[e.StringRepresentation()] = ""
			}
		}
	}
	l := requirements(t)
	want := map[string]string{}
	for _, r := range judge(t).Results {
		req, err := l.Find(r.Requirement)
		if err != nil {
			t.Fatal(err)
		}
		if r.Check != "" || len(req.From[r.Role]) > 0 { // what nothing judges is no spec
			want[r.ID+" "+string(r.Verdict)] = ""
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the suite says\n%v\nand the engine\n%v", got, want)
	}
}
