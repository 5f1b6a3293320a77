// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// AtOnce is how many checks run side by side: they wait more than they compute.
const AtOnce = 8

// Judge judges the embedded reference with faults by the given checks.
func Judge(ctx context.Context, l *ledger.Ledger, checks []engine.Check, faults ...sut.Fault) (*reports.Results, error) {
	target, err := sut.NewEmbedded(faults...)
	if err != nil {
		return nil, err
	}
	e := &engine.Engine{Target: target, Ledger: l, Checks: checks, Command: "rspthreat run", Seed: 1}
	return e.Execute(ctx, engine.Selection{}, AtOnce, func(*engine.Outcome) error { return nil })
}

// Finding is how a fault, or the reference without one, departs from what is claimed.
type Finding struct {
	ID      string // of the result
	Verdict reports.Verdict
	Reason  string
	Claimed bool // the fault was to violate it
}

// String says it in a line.
func (f Finding) String() string {
	if f.Claimed {
		return fmt.Sprintf("%s is to be violated, and is %s: %s", f.ID, f.Verdict, f.Reason)
	}
	return fmt.Sprintf("%s is %s: %s", f.ID, f.Verdict, f.Reason)
}

// Prove judges the reference with a fault, by the checks of the fault's role, since the
// other roles do not hear of it. It returns the line of the kill matrix as it came out, and
// the departures from the claim: a requirement that should be violated and is not, one that
// is and should not be, and one without a verdict where the fault does not say why.
func Prove(ctx context.Context, l *ledger.Ledger, f sut.Fault) (reports.ProvenFault, []Finding, error) {
	checks := slices.DeleteFunc(scenarios.Checks(), func(c engine.Check) bool { return c.Role != f.Role })
	results, err := Judge(ctx, l, checks, f)
	if err != nil {
		return reports.ProvenFault{}, nil, fmt.Errorf("fault %s: %w", f.Name, err)
	}
	proven := reports.ProvenFault{Name: f.Name, Role: string(f.Role), Description: f.Description}
	want := Expected(l, f)
	var departures []Finding
	for _, r := range results.Results {
		if r.Role != string(f.Role) {
			continue
		}
		claimed, violated := slices.Contains(want, r.ID), false
		informs := slices.Contains(f.Informs, r.Requirement)
		noted := Noted(r)
		if noted {
			proven.Noted = append(proven.Noted, r.ID)
		}
		if informs != noted {
			departures = append(departures, Finding{ID: r.ID, Verdict: r.Verdict, Reason: fmt.Sprintf("noted: %t, with %q", noted, r.Information), Claimed: informs})
		}
		switch r.Verdict {
		case reports.Fail, reports.Warn:
			violated = true
			proven.Violates = append(proven.Violates, r.ID)
		case reports.Inconclusive:
			proven.Disabled = append(proven.Disabled, r.ID)
		}
		lost := r.Verdict == reports.HarnessError || r.Verdict == reports.Inconclusive && !f.Disables
		if claimed != violated || lost {
			departures = append(departures, Finding{ID: r.ID, Verdict: r.Verdict, Reason: r.Reason, Claimed: claimed})
		}
	}
	slices.Sort(proven.Violates)
	return proven, departures, nil
}

// Noted tells whether a result holds a note on its own requirement, which is how the
// violation of an informative one shows.
func Noted(r reports.Result) bool {
	return slices.ContainsFunc(r.Information, func(s string) bool { return strings.HasPrefix(s, r.Requirement+": ") })
}

// Reference judges the reference without faults and returns what is not met.
func Reference(ctx context.Context, l *ledger.Ledger) ([]Finding, error) {
	results, err := Judge(ctx, l, scenarios.Checks())
	if err != nil {
		return nil, fmt.Errorf("the reference without faults: %w", err)
	}
	var departures []Finding
	for _, r := range results.Results {
		if r.Verdict.Judged() && r.Verdict != reports.Pass || Noted(r) {
			departures = append(departures, Finding{ID: r.ID, Verdict: r.Verdict, Reason: r.Reason})
		}
	}
	return departures, nil
}

// Sentence says what a fault violates, for people.
func Sentence(f reports.ProvenFault) string {
	var said []string
	if len(f.Violates) > 0 {
		said = append(said, "violates "+strings.Join(f.Violates, ", "))
	}
	if len(f.Noted) > 0 {
		said = append(said, "is noted on "+strings.Join(f.Noted, ", "))
	}
	s := strings.Join(said, "; ")
	if n := len(f.Disabled); n > 0 {
		s += fmt.Sprintf("; leaves %d inconclusive", n)
	}
	return s
}
