// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"fmt"
	"strings"

	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reports"
)

// meanings say what each kind of finding means to who runs the system.
var meanings = map[monitor.Kind]string{
	monitor.Crash:   "The process ends by messages that anybody sends who gets through this door: whoever repeats them keeps every element, user and registrar from being served.",
	monitor.Hang:    "After these messages an honest question is not answered any more: the association, or the whole system, is stuck.",
	monitor.Slow:    "These messages cost the system far more time than they cost their sender: few of them keep honest nodes waiting.",
	monitor.Memory:  "These messages have the process keep memory: whoever repeats them uses up that of the host.",
	monitor.Garbage: "The system answers what is no message; a strict receiver ends the association, a careless one reads what is not there.",
	monitor.Flood:   "The system answers far more than it is asked, to whoever the messages seem to come from.",
	monitor.Oracle:  "Somebody gets what he may not have, or the handlespace is not what honest nodes made it.",
	monitor.Refused: "Honest nodes are not served any more, although the system runs.",
}

// severities are high for what ends the service or breaks a MUST of the draft.
var severities = map[monitor.Kind]string{
	monitor.Crash: reports.SeverityHigh, monitor.Hang: reports.SeverityHigh, monitor.Oracle: reports.SeverityHigh,
	monitor.Refused: reports.SeverityHigh, monitor.Memory: reports.SeverityHigh,
	monitor.Slow: reports.SeverityMedium, monitor.Flood: reports.SeverityMedium, monitor.Garbage: reports.SeverityMedium,
}

// Report returns the finding as reports show it.
func (f *Finding) Report() reports.Finding {
	r := reports.Finding{
		ID: f.Name, Title: f.Title, Kind: f.Kind, Severity: severities[monitor.Kind(f.Kind)], Role: "registrar",
		Requirement: f.Requirement, Reference: f.Section, Explanation: f.explanation(), Replay: f.Replay,
		Reproducer: f.Script, Capture: f.Capture, Count: 1 + f.Duplicates,
	}
	if !f.Confirmed {
		r.Severity = reports.SeverityLow
	}
	return r
}

func (f *Finding) explanation() string {
	lines := []string{meanings[monitor.Kind(f.Kind)]}
	if f.Detail != "" {
		lines = append(lines, "Seen: "+f.Detail)
	}
	if len(f.Where) > 0 {
		lines = append(lines, "In: "+strings.Join(f.Where, ", called by "))
	}
	what := fmt.Sprintf("It takes %d messages; ", f.Messages)
	if f.Messages == 1 {
		what = "It takes one message; "
	}
	lines = append(lines, what+"it came about in "+f.Reproduced+" repetitions on fresh systems.")
	if f.Case != "" {
		lines = append(lines, fmt.Sprintf("First seen with case %s of seed %d.", f.Case, f.Seed))
	}
	return strings.Join(lines, "\n")
}
