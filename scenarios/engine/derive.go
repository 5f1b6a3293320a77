// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// Derive judges a requirement on a role by the results of checks, in any order.
func (e *Engine) Derive(req ledger.Requirement, role string, results []reports.Result) reports.Result {
	return e.derive(req, role, byID(results))
}

// byID merges results and finds them by their ID.
func byID(results []reports.Result) map[string]reports.Result {
	found := make(map[string]reports.Result)
	for _, r := range merge(results) {
		found[r.ID] = r
	}
	return found
}

// derive judges a requirement on a role by the verdicts on others, as section 3 of the
// draft sums up what sections 2.1 to 2.17 ask for.
func (e *Engine) derive(req ledger.Requirement, role string, found map[string]reports.Result) reports.Result {
	out := e.describe(req, role)
	out.Command = e.Command + " --requirement " + req.ID
	var reasons, left []string
	for _, id := range req.From[role] {
		source, ok := found[ledger.ResultID(id, role)]
		if !ok || !source.Verdict.Judged() {
			left = append(left, id)
			continue
		}
		v := source.Verdict
		if v == reports.Fail || v == reports.Warn {
			v = violation(req.Level)
		}
		if v != reports.Pass {
			reasons = append(reasons, id+": "+source.Reason)
		}
		out.Verdict = reports.Worse(out.Verdict, v)
		out.Duration += source.Duration
		if source.Certainty != "" && source.Certainty != "certain" {
			out.Certainty = source.Certainty
		}
		for _, f := range source.Faults {
			if !slices.Contains(out.Faults, f) {
				out.Faults = append(out.Faults, f)
			}
		}
	}
	from := strings.Join(req.From[role], ", ")
	switch {
	case out.Verdict == "":
		out.Verdict, out.Reason = reports.NotApplicable, "follows from "+from+", of which none is judged"
		return out
	case len(reasons) > 0:
		out.Reason = strings.Join(reasons, "; ")
	default:
		out.Reason = "follows from " + from
	}
	if out.Certainty == "" {
		out.Certainty = "certain"
	}
	if len(left) > 0 {
		out.Certainty = fmt.Sprintf("less certain: %s could not be judged", strings.Join(left, ", "))
	}
	return out
}

// describe is the result of a requirement on a role without a verdict.
func (e *Engine) describe(req ledger.Requirement, role string) reports.Result {
	return reports.Result{
		ID: ledger.ResultID(req.ID, role), Requirement: req.ID, Section: req.Section, SectionTitle: e.Ledger.Sections[req.Section],
		Role: role, Level: string(req.Level), Gist: req.Gist, Observable: req.Observable,
	}
}

// unjudged is the result of a requirement that neither a check nor others judge.
func (e *Engine) unjudged(req ledger.Requirement, role string) reports.Result {
	out := e.describe(req, role)
	out.Verdict, out.Reason = reports.NotApplicable, req.Unchecked[role]
	switch {
	case !slices.Contains(e.Target.Roles(), sut.Role(role)):
		out.Reason = fmt.Sprintf("is about a %s, and the system under test has none", sut.Role(role))
	case out.Reason == "":
		out.Reason = "no check for this system"
	}
	if declined := e.declined(req.ID, req.Section, sut.Role(role)); declined != "" {
		out.Verdict, out.Reason = reports.Unsupported, declined
	}
	return out
}

// needed adds to the wanted requirements those from which they follow.
func needed(l *ledger.Ledger, wanted map[string]bool) map[string]bool {
	out := make(map[string]bool, len(wanted))
	for _, r := range l.Requirements {
		if !wanted[r.ID] {
			continue
		}
		out[r.ID] = true
		for _, from := range r.From {
			for _, id := range from {
				out[id] = true
			}
		}
	}
	return out
}
