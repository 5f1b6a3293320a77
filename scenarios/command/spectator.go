// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// spectator tells somebody at a terminal how a run goes.
type spectator struct{ w io.Writer }

// begin says what is judged, so that nobody takes a faulty reference for the sound one.
func (p spectator) begin(subject reports.Subject, target sut.Target, faults []string) {
	roles := make([]string, 0, len(target.Roles()))
	for _, r := range target.Roles() {
		roles = append(roles, string(r))
	}
	fmt.Fprintf(p.w, "Judging %s (%s; %s), a line for each check that is made:\n",
		reports.Named(subject.Name, faults), strings.Join(roles, ", "), subject.Security)
}

// check tells of a check that was made. What does not apply to the system is in the report.
func (p spectator) check(o *engine.Outcome) {
	worst, wrong := reports.NotApplicable, ""
	for _, r := range o.Results {
		worst = reports.Worse(worst, r.Verdict)
	}
	if !worst.Judged() {
		return
	}
	if worst != reports.Pass {
		var ids []string
		for _, r := range o.Results {
			if r.Verdict == worst {
				ids = append(ids, r.Requirement)
			}
		}
		wrong = " [" + strings.Join(ids, ", ") + "]"
	}
	took := 0.0
	if len(o.Results) > 0 {
		took = o.Results[0].Duration.Seconds()
	}
	fmt.Fprintf(p.w, "%-13s %-9s %5.1fs  %-4s %s%s\n", worst, o.Check.Role, took, o.Check.Section, o.Check.Title, wrong)
}
