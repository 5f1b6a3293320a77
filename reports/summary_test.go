// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"errors"
	"strings"
	"testing"
)

func TestSummaryTellsWhatIsWrongAndWhereTheReportIs(t *testing.T) {
	var b strings.Builder
	if err := Summary(&b, everyVerdict(t), "out/"); err != nil {
		t.Fatal(err)
	}
	const want = `harness-error T2.11-R1@registrar: the handle table is not readable on the wire
              -> capture socket: no buffer space available
fail          T2.1-R1@registrar: no create or update of state before the PE is authenticated
              -> a registration in clear made pool element 0x12345678 resolvable by an honest pool user
inconclusive  T2.10-R1@registrar: an honest registration goes through during a flood
              -> the baseline registration got no answer within 2s
warn          T2.2-R5@registrar: refusals are rate limited
              -> 1000 refusals in one second
baseline      T2.1-R1@registrar: was accepted, no longer (until 2026-01-31): hard to mend
baseline      T2.2-R5@registrar: known (until 2026-12-31): fixed in 4.3 https://tracker.example.net/417

Requirements, each on its roles: 1 pass, 1 warn, 1 fail, 1 inconclusive, 1 harness-error, 1 not-applicable, 1 unsupported
Example registrar with its fault accept-unauthenticated-registration: Does not conform (complete run, exit code 1)
What it is about: rspthreat explain T2.11-R1
Report: out/index.html
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSummaryCannotRepaintTheTerminal(t *testing.T) {
	var b strings.Builder
	if err := Summary(&b, hostile(t), "out\x1b[2J"); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && (r < 0x20 || r >= 0x7f && r < 0xa0) {
			t.Fatalf("%U is in the summary", r)
		}
	}
	if n := b.Len(); n > 20_000 {
		t.Errorf("%d bytes", n)
	}
	for _, want := range []string{`esc\x1b[2J`, "The run ended early"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestSummaryOfManyFailuresStaysShort(t *testing.T) {
	r := &Results{Results: make([]Result, 500)}
	for i := range r.Results {
		r.Results[i] = Result{ID: "T", Verdict: []Verdict{Fail, Warn}[i%2]}
	}
	var b strings.Builder
	if err := Summary(&b, r, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "450 results more; see the report") || strings.Count(b.String(), "\n") > 60 {
		t.Errorf("got\n%s", b.String())
	}
}

// One reason is said once, and a system with faults is not taken for a sound one.
func TestSummarySaysAReasonOnceAndNamesFaults(t *testing.T) {
	r := &Results{Subject: Subject{Name: "reference"}, Faults: []string{"skip-owner-check"}, ExitCode: ExitViolations, Results: []Result{
		{ID: "A@pe", Requirement: "A", Gist: "a", Verdict: Fail, Check: "c", Reason: "it is wrong"},
		{ID: "B@pe", Requirement: "B", Gist: "b", Verdict: Fail, Check: "d", Reason: "it is wrong as well"},
		{ID: "C@pe", Requirement: "C", Gist: "c", Verdict: Fail, Check: "e", Reason: "it is wrong"},
	}}
	var b strings.Builder
	if err := Summary(&b, r, ""); err != nil {
		t.Fatal(err)
	}
	const want = `fail          A@pe: a
              C@pe: c
              -> it is wrong
fail          B@pe: b
              -> it is wrong as well

Requirements, each on its roles: 3 fail
reference with its fault skip-owner-check: Does not conform (partial run, exit code 1)
What it is about: rspthreat explain A
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSummaryOfNothing(t *testing.T) {
	var b strings.Builder
	if err := Summary(&b, &Results{ExitCode: ExitNothingRan}, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(b.String(), "Requirements, each on its roles: no results\n") {
		t.Errorf("got %q", b.String())
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestSummaryReportsAWriteError(t *testing.T) {
	if err := Summary(brokenWriter{}, &Results{}, ""); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}
