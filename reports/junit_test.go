// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func junitOf(t *testing.T, r *Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeJUnit(&b, clean(r)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tool finds a program that the tests cannot do without.
func tool(t *testing.T, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed: apt-get install -y --no-install-recommends %s", name, debianPackage)
	}
	return path
}

func TestJUnitIsValid(t *testing.T) {
	xmllint := tool(t, "xmllint", "libxml2-utils")
	for name, r := range map[string]*Results{"every verdict": everyVerdict(t), "hostile": hostile(t), "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), JUnitFile)
			if err := os.WriteFile(path, junitOf(t, r), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(xmllint, "--noout", "--nonet", "--schema", "testdata/junit.xsd", path).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// A reader of its own, so that the writer's types do not vouch for themselves.
type (
	readRun struct {
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Suites   []readSuite `xml:"testsuite"`
	}
	readSuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []readCase `xml:"testcase"`
	}
	readCase struct {
		Name      string    `xml:"name,attr"`
		Classname string    `xml:"classname,attr"`
		Children  []readAny `xml:",any"`
	}
	readAny struct {
		XMLName xml.Name
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func readJUnit(t *testing.T, b []byte) readRun {
	t.Helper()
	var run readRun
	if err := xml.Unmarshal(b, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestJUnitMapsEveryVerdict(t *testing.T) {
	run := readJUnit(t, junitOf(t, everyVerdict(t)))
	for _, want := range []struct {
		suite, name, classname, element, kind, says string
	}{
		{"2.1", "T2.1-R1@registrar: ", "rspthreat.2-1.registrar", "failure", "fail", "resolvable by an honest pool user"},
		{"2.1", "T2.1-R2@registrar: ", "rspthreat.2-1.registrar", "", "", ""},
		{"2.1", "T2.1-R2@PE: ", "rspthreat.2-1.PE", "skipped", "not-applicable", "no pool element is configured"},
		{"2.2", "T2.2-R5@registrar: ", "rspthreat.2-2.registrar", "system-out", "", "warning: 1000 refusals in one second"},
		{"2.10", "T2.10-R1@registrar: ", "rspthreat.2-10.registrar", "error", "inconclusive", "no answer within 2s"},
		{"2.10", "T2.10-R2@PU: ", "rspthreat.2-10.PU", "skipped", "unsupported", `answered "unsupported"`},
		{"2.11", "T2.11-R1@registrar: ", "rspthreat.2-11.registrar", "error", "harness-error", "no buffer space available"},
		{"fuzzing", "crash-1f3a9c02: ", "rspthreat.fuzz.crash", "failure", "crash", "findings/crash-1f3a9c02/input.bin"},
	} {
		t.Run(want.name, func(t *testing.T) {
			c := findCase(t, run, want.suite, want.name)
			if c.Classname != want.classname {
				t.Errorf("classname %q, want %q", c.Classname, want.classname)
			}
			var got readAny
			if len(c.Children) > 1 {
				t.Fatalf("%d children", len(c.Children))
			} else if len(c.Children) == 1 {
				got = c.Children[0]
			}
			if got.XMLName.Local != want.element || got.Type != want.kind || !strings.Contains(got.Message+got.Text, want.says) {
				t.Errorf("got %+v, want <%s type=%q> with %q", got, want.element, want.kind, want.says)
			}
		})
	}
}

func findCase(t *testing.T, run readRun, suite, name string) readCase {
	t.Helper()
	for _, s := range run.Suites {
		for _, c := range s.Cases {
			if strings.HasPrefix(s.Name+" ", suite+" ") && strings.HasPrefix(c.Name, name) {
				return c
			}
		}
	}
	t.Fatalf("suite %s has no case %s", suite, name)
	return readCase{}
}

func TestJUnitCountsAreRight(t *testing.T) {
	run := readJUnit(t, junitOf(t, everyVerdict(t)))
	if run.Tests != 10 || run.Failures != 4 || run.Errors != 2 {
		t.Errorf("run: %d tests, %d failures, %d errors", run.Tests, run.Failures, run.Errors)
	}
	type counts struct{ tests, failures, errors, skipped int }
	want := map[string]counts{"2.1": {3, 1, 0, 1}, "2.2": {1, 0, 0, 0}, "2.10": {2, 0, 1, 1}, "2.11": {1, 0, 1, 0}, "fuzzing": {3, 3, 0, 0}}
	if len(run.Suites) != len(want) {
		t.Errorf("%d suites, want %d", len(run.Suites), len(want))
	}
	for _, s := range run.Suites {
		number, _, _ := strings.Cut(s.Name, " ")
		if got := (counts{s.Tests, s.Failures, s.Errors, s.Skipped}); got != want[number] {
			t.Errorf("%s: %+v, want %+v", s.Name, got, want[number])
		}
	}
}

func TestJUnitOfAnInterruptedRunIsNotGreen(t *testing.T) {
	r := &Results{Interrupted: "the registrar died", Results: []Result{{ID: "T2.1-R1@registrar", Section: "2.1", Verdict: Pass}}}
	run := readJUnit(t, junitOf(t, r))
	if run.Tests != 2 || run.Errors != 1 {
		t.Errorf("%d tests, %d errors, want 2 and 1", run.Tests, run.Errors)
	}
	if !bytes.Contains(junitOf(t, r), []byte("the registrar died")) {
		t.Error("the reason is missing")
	}
}

func TestJUnitSkipsOnlyWhatTheBaselineAccepts(t *testing.T) {
	for state, want := range map[KnownState]string{KnownFailure: "skipped", KnownExpired: "failure", KnownChanged: "failure", KnownFixed: "failure"} {
		k := &Known{State: state, Reason: "fixed in 4.3"}
		run := readJUnit(t, junitOf(t, &Results{
			Results:  []Result{{ID: "T2.1-R1@registrar", Section: "2.1", Verdict: Fail, Known: k}},
			Findings: []Finding{{ID: "crash-1", Kind: "crash", Known: k}},
		}))
		for _, s := range run.Suites {
			if got := s.Cases[0].Children[0]; got.XMLName.Local != want || (want == "skipped" && !strings.Contains(got.Message, "fixed in 4.3")) {
				t.Errorf("%s, %s: %+v, want <%s>", s.Name, state, got, want)
			}
		}
	}
}
