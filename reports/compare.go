// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"slices"
	"time"
)

// ChangeKind says what became of a result between two runs.
type ChangeKind string

// The kinds of changes, in the order in which comparisons show them. Only pass, warn and fail are verdicts that count here:
// a requirement that failed and cannot be judged any more is no better for it.
const (
	Worsened ChangeKind = "worse"
	Gone     ChangeKind = "gone"    // there was a verdict, and there is none any more
	New      ChangeKind = "new"     // there was no verdict
	Differs  ChangeKind = "changed" // still not met, but in another way
	Bettered ChangeKind = "better"
	Same     ChangeKind = "same"
)

var changeKinds = [...]ChangeKind{Worsened, Gone, New, Differs, Bettered, Same}

// changeMeaning is what a kind means, for those who do not know the words.
var changeMeaning = map[ChangeKind]string{
	Worsened: "the verdict is worse", Gone: "judged before, not any more", New: "not judged before", Differs: "still not met, in another way",
	Bettered: "the verdict is better", Same: "as before",
}

// Comparison is what became of a system from one run, A, to another, B.
type Comparison struct {
	A, B     Run
	Changes  []Change // of results and findings, grouped by kind, each in the order of B
	NotAlike []string // why the two may not be comparable: another document, faults, configuration
}

// Run is one of the runs that are compared.
type Run struct {
	Subject  Subject
	Tool     Tool
	Ledger   Ledger
	Started  time.Time
	Complete bool
	ExitCode int
	Results  []Result
}

// Change is one result or finding in both runs.
type Change struct {
	Kind          ChangeKind
	ID            string
	Section       string
	Title         string // what is required, or what was found
	Role, Level   string
	Before, After Verdict // empty where there is no result
	Was, Is       string  // the reasons
}

// Compare compares two runs.
func Compare(a, b *Results) *Comparison {
	a, b = clean(a), clean(b)
	c := &Comparison{A: runOf(a), B: runOf(b), NotAlike: notAlike(a, b)}
	var all []Change
	before := make(map[string]Result, len(a.Results))
	for _, r := range a.Results {
		before[r.ID] = r
	}
	for _, r := range b.Results {
		old := before[r.ID]
		delete(before, r.ID)
		all = append(all, newChange(old, r))
	}
	for _, r := range a.Results {
		if _, left := before[r.ID]; left {
			all = append(all, newChange(r, Result{}))
		}
	}
	all = append(all, compareFindings(a.Findings, b.Findings)...)
	for _, kind := range changeKinds {
		for _, change := range all {
			if change.Kind == kind {
				c.Changes = append(c.Changes, change)
			}
		}
	}
	return c
}

func runOf(r *Results) Run {
	return Run{Subject: r.Subject, Tool: r.Tool, Ledger: r.Ledger, Started: r.Started, Complete: r.Complete, ExitCode: r.ExitCode, Results: r.Results}
}

func notAlike(a, b *Results) []string {
	var out []string
	differ := func(what, x, y string) {
		if x != y {
			out = append(out, what+": "+orNothing(x)+" and "+orNothing(y))
		}
	}
	differ("document", a.Ledger.Document+" "+a.Ledger.Version, b.Ledger.Document+" "+b.Ledger.Version)
	differ("system", a.Subject.Name, b.Subject.Name)
	differ("security", a.Subject.Security, b.Subject.Security)
	if !slices.Equal(a.Faults, b.Faults) {
		out = append(out, "other faults of the reference are switched on")
	}
	for _, r := range []*Results{a, b} {
		if !r.Complete {
			out = append(out, "the run of "+r.Started.UTC().Format(time.DateTime)+" is not complete")
		}
	}
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func newChange(old, now Result) Change {
	r := now
	if r.ID == "" {
		r = old
	}
	return Change{
		Kind: kindOf(&old, &now), ID: r.ID, Section: r.Section, Title: r.Gist, Role: r.Role, Level: r.Level,
		Before: old.Verdict, After: now.Verdict, Was: old.Reason, Is: now.Reason,
	}
}

// sound tells whether v is a verdict on the system.
func sound(v Verdict) bool { return v == Pass || v == Warn || v == Fail }

func kindOf(old, now *Result) ChangeKind {
	switch was, is := sound(old.Verdict), sound(now.Verdict); {
	case was && !is:
		return Gone
	case !was && is:
		return New
	case !was:
		return Same
	}
	switch {
	case old.Verdict == now.Verdict && FingerprintOf(old) != FingerprintOf(now):
		return Differs
	case old.Verdict == now.Verdict:
		return Same
	case Worse(old.Verdict, now.Verdict) == now.Verdict:
		return Worsened
	default:
		return Bettered
	}
}

// compareFindings: a finding that is not met again counts as better, one that was not there before as worse.
func compareFindings(a, b []Finding) (out []Change) {
	change := func(kind ChangeKind, f *Finding) {
		c := Change{Kind: kind, ID: f.ID, Section: "fuzzing", Title: f.Title, Role: f.Role, Level: f.Severity}
		if kind != Worsened {
			c.Before, c.Was = Fail, f.Kind
		}
		if kind != Bettered {
			c.After, c.Is = Fail, f.Kind
		}
		out = append(out, c)
	}
	in := func(list []Finding, id string) bool {
		return slices.ContainsFunc(list, func(f Finding) bool { return f.ID == id })
	}
	for i := range b {
		if in(a, b[i].ID) {
			change(Same, &b[i])
		} else {
			change(Worsened, &b[i])
		}
	}
	for i := range a {
		if !in(b, a[i].ID) {
			change(Bettered, &a[i])
		}
	}
	return out
}

// Count tells how many changes are of a kind.
func (c *Comparison) Count(kind ChangeKind) (n int) {
	for i := range c.Changes {
		if c.Changes[i].Kind == kind {
			n++
		}
	}
	return n
}

// ExitCode is ExitViolations when B is worse than A in anything, or fails what A did not judge; ExitUnreachable when only
// verdicts are missing that A had; ExitConforms otherwise.
func (c *Comparison) ExitCode() int {
	code := ExitConforms
	for i := range c.Changes {
		switch x := &c.Changes[i]; {
		case x.Kind == Worsened, x.Kind == New && x.After == Fail:
			return ExitViolations
		case x.Kind == Gone:
			code = ExitUnreachable
		}
	}
	return code
}
