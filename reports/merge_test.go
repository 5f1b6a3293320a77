// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// part is one part of a run: a check with one result.
func part(t *testing.T, section string, v Verdict) *Results {
	t.Helper()
	r := everyVerdict(t)
	r.Checks, r.Findings = []Check{spoofCheck(t)}, r.Findings[:1]
	r.Checks[0].Section = section
	id := "T" + section + "-R1@registrar"
	r.Results = []Result{{ID: id, Requirement: "T" + section + "-R1", Section: section, Role: "registrar", Verdict: v, Reason: section, Check: r.Checks[0].ID}}
	return r
}

func TestMergeJoinsPartsAndTheirEvidence(t *testing.T) {
	parts := []*Results{part(t, "2.1", Pass), part(t, "2.2", Fail)}
	parts[1].Started, parts[1].Finished = start.Add(-time.Hour), start.Add(time.Hour)
	var dirs []string
	for _, p := range parts {
		dir := filepath.Join(t.TempDir(), "part")
		w := newWriter(t, dir)
		c := clearCapture(t)
		c.Doors = []Door{{Protocol: "enrp", Secured: true, Address: "127.0.0.1:" + map[string]string{"2.1": "12345", "2.2": "23456"}[p.Results[0].Section]}}
		if err := w.AddCheck(&p.Checks[0], c); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "findings", "crash-1f3a9c02"), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, p.Findings[0].Reproducer), "input")
		if err := w.Finish(p); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	whole, renamed, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	w := newWriter(t, out)
	for i, dir := range dirs {
		if err := w.Adopt(dir, renamed[i], whole.Checks, parts[i].Findings); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(whole); err != nil {
		t.Fatal(err)
	}
	if len(whole.Results) != 2 || len(whole.Checks) != 2 || len(whole.Findings) != 1 || !whole.Started.Equal(start.Add(-time.Hour)) || !whole.Finished.Equal(start.Add(time.Hour)) {
		t.Errorf("%d results, %d checks, %d findings, %v to %v", len(whole.Results), len(whole.Checks), len(whole.Findings), whole.Started, whole.Finished)
	}
	for i, r := range whole.Results {
		c := whole.Checks[i]
		if r.Check != c.ID || c.Capture != evidencePath(c.ID) {
			t.Errorf("result %s rests on %s, check %s has the capture %s", r.ID, r.Check, c.ID, c.Capture)
		}
		if got := names(t, filepath.Join(out, EvidenceDir, c.ID)); !slices.Contains(got, KeyLogFile) || !slices.Contains(got, c.ID+captureExt) {
			t.Errorf("evidence of %s: %q", c.ID, got)
		}
	}
	if !verify(t, out).Whole() {
		t.Error("the report is not whole")
	}
	b, err := os.ReadFile(filepath.Join(out, LuaFile))
	if err != nil || !strings.Contains(string(b), `secured(12345, "enrp")`) || !strings.Contains(string(b), `secured(23456, "enrp")`) {
		t.Errorf("ports are missing: %v\n%s", err, b)
	}
	if b, err := os.ReadFile(filepath.Join(out, parts[0].Findings[0].Reproducer)); err != nil || string(b) != "input" {
		t.Errorf("reproducer %q: %v", b, err)
	}
}

func TestMergeTakesTheWorstOfWhatIsThereTwice(t *testing.T) {
	whole, renamed, err := Merge([]*Results{part(t, "2.1", Pass), part(t, "2.1", Fail), part(t, "2.1", NotApplicable)})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Results) != 1 || whole.Results[0].Verdict != Fail || len(whole.Checks) != 1 || whole.Results[0].Check != whole.Checks[0].ID {
		t.Errorf("%+v", whole.Results)
	}
	if len(renamed[0]) != 0 || len(renamed[1]) != 1 || len(renamed[2]) != 0 {
		t.Errorf("evidence of checks on which nothing rests is kept: %v", renamed)
	}
}

func TestMergeRefusesStrangers(t *testing.T) {
	for name, change := range map[string]func(*Results){
		"another system":   func(r *Results) { r.Subject.Name = "other" },
		"another version":  func(r *Results) { r.Subject.Version = "5" },
		"another document": func(r *Results) { r.Ledger.Version = "9" },
		"another tool":     func(r *Results) { r.Tool.Commit = "abc" },
		"other faults":     func(r *Results) { r.Faults = nil },
		"another config":   func(r *Results) { r.Subject.Config = "x" },
	} {
		b := part(t, "2.2", Pass)
		change(b)
		if _, _, err := Merge([]*Results{part(t, "2.1", Pass), b}); !errors.Is(err, ErrParts) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, _, err := Merge(nil); !errors.Is(err, ErrParts) {
		t.Errorf("nothing: error %v", err)
	}
}

// The whole is repeated without the selections of its parts.
func TestMergedRunIsRepeatedWhole(t *testing.T) {
	whole, _, err := Merge([]*Results{
		{Command: "rspthreat run --seed 1 --section 2.1,2.2 --requirement T2.3-R6"}, {Command: "rspthreat run --seed 2 --section 2.3"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if whole.Command != "rspthreat run --seed 1" {
		t.Errorf("command %q", whole.Command)
	}
}
