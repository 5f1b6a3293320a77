// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// view is the results as the page shows them.
type view struct {
	*Results
	Verdict   string // the run in a word: "conforms", "does not conform", ...
	Tone      Verdict
	Counts    []verdictCount
	Roles     []string // keys of roles, see roleKey
	Levels    []string
	Sections  []sectionView
	Attention []Result       // what is not as it should be, the worst first
	Unjudged  []reasonView   // why requirements could not be judged
	Baseline  []baselineView // what a baseline knows, by its state
	Took      time.Duration
	Alone     []checkView // checks of sections without results
}

type verdictCount struct {
	Verdict Verdict
	Count   int
	Means   string
}

// sectionView is one threat: its line of the matrix and its part of the page.
type sectionView struct {
	section
	Verdict    Verdict // the worst
	Counts     []verdictCount
	Cells      []cellView
	Checks     []checkView
	Mitigation []string
	Residual   []string
}

// cellView is one role's results in a section.
type cellView struct {
	Role    string
	Verdict Verdict // the worst; empty when there is none
	Counts  []verdictCount
}

// reasonView is one reason for which requirements were not judged.
type reasonView struct {
	Verdict Verdict
	Reason  string
	Results []Result
}

// baselineView is the results of one state of a baseline.
type baselineView struct {
	State   KnownState
	Means   string
	Results []Result
}

// baselineViews groups what a baseline knows: what is to be looked at first, what it accepts last.
func baselineViews(r *Results) (out []baselineView) {
	for _, v := range []baselineView{
		{State: KnownChanged, Means: "not met, but in another way than the one that was accepted"},
		{State: KnownExpired, Means: "not met, and accepted no longer"},
		{State: KnownFixed, Means: "met now: the entry can go"},
		{State: KnownFailure, Means: "not met, in the way that is accepted"},
	} {
		for _, result := range r.Results {
			if result.Known != nil && result.Known.State == v.State {
				v.Results = append(v.Results, result)
			}
		}
		if len(v.Results) > 0 {
			out = append(out, v)
		}
	}
	return out
}

var verdictMeaning = map[Verdict]string{
	Pass:          "requirement met",
	Warn:          "a SHOULD is not met",
	Fail:          "a binding requirement is not met",
	Inconclusive:  "honest operation did not work, nothing can be said",
	HarnessError:  "the harness went wrong",
	NotApplicable: "role, mode or rung is not there",
	Unsupported:   "the system says that it does not do this",
}

// newView arranges clean results. dir is where the evidence is; empty when there is none to link to.
func newView(r *Results) *view { return newViewOf(r, "") }

func newViewOf(r *Results, dir string) *view {
	v := &view{
		Results: r, Verdict: outcome(r), Tone: tone(r),
		Counts: countViews(r.Results, true), Attention: attention(r.Results), Unjudged: unjudged(r.Results),
	}
	if r.Finished.After(r.Started) {
		v.Took = r.Finished.Sub(r.Started)
	}
	for i := range r.Results {
		result := &r.Results[i]
		if key := roleKey(result.Role); !slices.Contains(v.Roles, key) {
			v.Roles = append(v.Roles, key)
		}
		if !slices.Contains(v.Levels, result.Level) {
			v.Levels = append(v.Levels, result.Level)
		}
	}
	v.Baseline = baselineViews(r)
	slices.SortStableFunc(v.Roles, func(a, b string) int { return cmp.Compare(roleRank(a), roleRank(b)) })
	e := &embedder{dir: dir}
	checks := make(map[string][]checkView)
	for i := range r.Checks {
		c := newCheckView(&r.Checks[i], r.Results, e)
		checks[c.Section] = append(checks[c.Section], c)
	}
	for _, s := range sections(r.Results) {
		s.Title = strings.ReplaceAll(s.Title, " -- ", " – ")
		v.Sections = append(v.Sections, newSectionView(s, v.Roles, checks[s.Number]))
		delete(checks, s.Number)
	}
	for _, c := range r.Checks {
		v.Alone = append(v.Alone, checks[c.Section]...)
		delete(checks, c.Section)
	}
	return v
}

// PageTitle is what a browser shows in its tab.
func (v *view) PageTitle() string { return v.Subject.Name + ": " + v.Ledger.Document }

// HasCheck tells whether the page has a part to link to.
func (v *view) HasCheck(id string) bool {
	return slices.ContainsFunc(v.Checks, func(c Check) bool { return c.ID == id })
}

// Judged counts the results that say something about the system.
func (v *view) Judged() (n int) {
	for i := range v.Results.Results {
		if v.Results.Results[i].Verdict.Judged() {
			n++
		}
	}
	return n
}

func exitTone(code int) Verdict {
	switch code {
	case ExitConforms:
		return Pass
	case ExitViolations:
		return Fail
	case ExitNothingRan:
		return NotApplicable
	default:
		return HarnessError
	}
}

// roleKey joins the ways in which ledger and checks write a role.
func roleKey(role string) string {
	if role == "" {
		return "none"
	}
	return strings.ToLower(role)
}

// roleName is a role as people call it.
func roleName(role string) string {
	switch key := roleKey(role); key {
	case "registrar":
		return "Registrar"
	case "pe":
		return "Pool element"
	case "pu":
		return "Pool user"
	default:
		return key
	}
}

func roleRank(key string) int {
	if i := slices.Index([]string{"registrar", "pe", "pu"}, key); i >= 0 {
		return i
	}
	return 3
}

// countViews counts verdicts in the order of reports; all keeps those with no result.
func countViews(results []Result, all bool) []verdictCount {
	n := Counts(results)
	var out []verdictCount
	for _, verdict := range verdicts {
		if all || n[verdict] > 0 {
			out = append(out, verdictCount{verdict, n[verdict], verdictMeaning[verdict]})
		}
	}
	return out
}

// worstOf returns the worst verdict; one that stands apart only where nothing was judged.
func worstOf(results []Result) (v Verdict) {
	for i := range results {
		if v == "" {
			v = results[i].Verdict
		}
		v = Worse(v, results[i].Verdict)
	}
	return v
}

func newSectionView(s section, roles []string, checks []checkView) sectionView {
	v := sectionView{section: s, Verdict: worstOf(s.Results), Counts: countViews(s.Results, false), Checks: checks}
	for _, role := range roles {
		var mine []Result
		for _, r := range s.Results {
			if roleKey(r.Role) == role {
				mine = append(mine, r)
			}
		}
		v.Cells = append(v.Cells, cellView{Role: role, Verdict: worstOf(mine), Counts: countViews(mine, false)})
	}
	for _, c := range checks {
		v.Mitigation = addNew(v.Mitigation, c.Threat.Mitigation)
		v.Residual = addNew(v.Residual, c.Threat.Residual)
	}
	return v
}

func addNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// unjudged groups what could not be judged by its reason, in the order of the results.
func unjudged(results []Result) []reasonView {
	var out []reasonView
	for _, v := range []Verdict{HarnessError, Inconclusive, Unsupported, NotApplicable} {
		for _, r := range results {
			if r.Verdict != v {
				continue
			}
			i := slices.IndexFunc(out, func(g reasonView) bool { return g.Verdict == v && g.Reason == r.Reason })
			if i < 0 {
				i = len(out)
				out = append(out, reasonView{Verdict: v, Reason: r.Reason})
			}
			out[i].Results = append(out[i].Results, r)
		}
	}
	return out
}
