// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"slices"
	"time"
)

// view is the results as the page shows them.
type view struct {
	*Results
	Verdict  string // the run in a word: "conforms", "does not conform", ...
	Tone     Verdict
	Counts   []verdictCount
	Roles    []string
	Sections []sectionView
	Checks   []checkView
	Took     time.Duration
	LuaFile  string
}

type verdictCount struct {
	Verdict Verdict
	Count   int
	Means   string
}

// sectionView is one line of the matrix: for each role of the view, its counts by verdict.
type sectionView struct {
	section
	Cells []cellView
}

type cellView struct {
	Role   string
	Counts []verdictCount
}

// checkView is a check with the results that rest on it.
type checkView struct {
	Check
	Results      []Result
	Verdict      Verdict
	Faults       []string
	Space        difference
	HasSpace     bool
	MessageViews []messageView
}

type messageView struct {
	Message
	After  time.Duration // since the start of the check
	StepIs string
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

func newView(r *Results) *view {
	v := &view{
		Results: r, Verdict: exitMeaning(r.ExitCode), Tone: exitTone(r.ExitCode),
		Counts: countViews(r.Results, true), LuaFile: LuaFile,
	}
	if r.Finished.After(r.Started) {
		v.Took = r.Finished.Sub(r.Started)
	}
	for i := range r.Results {
		if !slices.Contains(v.Roles, r.Results[i].Role) {
			v.Roles = append(v.Roles, r.Results[i].Role)
		}
	}
	for _, s := range sections(r.Results) {
		v.Sections = append(v.Sections, newSectionView(s, v.Roles))
	}
	for i := range r.Checks {
		v.Checks = append(v.Checks, newCheckView(&r.Checks[i], r.Results))
	}
	return v
}

// HasCheck tells whether the page has a part to link to.
func (v *view) HasCheck(id string) bool {
	return slices.ContainsFunc(v.Checks, func(c checkView) bool { return c.ID == id })
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

func newSectionView(s section, roles []string) sectionView {
	v := sectionView{section: s}
	for _, role := range roles {
		var mine []Result
		for _, r := range s.Results {
			if r.Role == role {
				mine = append(mine, r)
			}
		}
		v.Cells = append(v.Cells, cellView{Role: role, Counts: countViews(mine, false)})
	}
	return v
}

func newCheckView(c *Check, results []Result) checkView {
	v := checkView{Check: *c, Space: diff(c.Before, c.After), HasSpace: len(c.Before)+len(c.After) > 0}
	for _, r := range results {
		if r.Check != c.ID {
			continue
		}
		v.Results = append(v.Results, r)
		if v.Verdict == "" {
			v.Verdict = r.Verdict
		}
		v.Verdict = Worse(v.Verdict, r.Verdict)
		for _, f := range r.Faults {
			if !slices.Contains(v.Faults, f) {
				v.Faults = append(v.Faults, f)
			}
		}
	}
	for _, m := range c.Messages {
		mv := messageView{Message: m}
		if !m.Time.IsZero() && !c.Started.IsZero() {
			mv.After = m.Time.Sub(c.Started)
		}
		if m.Step >= 0 && m.Step < len(c.Steps) {
			mv.StepIs = string(c.Steps[m.Step].Kind)
		}
		v.MessageViews = append(v.MessageViews, mv)
	}
	return v
}

// TotalMessages counts the messages that are left out, too.
func (v checkView) TotalMessages() int { return len(v.Messages) + v.MessagesOmitted }
