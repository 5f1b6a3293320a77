// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

const (
	// maxSummaryText keeps each half of a result, what is required and why it is not met, within a few lines of a terminal.
	maxSummaryText = 300
	// maxSummaryResults keeps the counts, which follow the list, in sight.
	maxSummaryResults = 50
)

// Summary writes what a person at a terminal wants to know: every result that is not as it should be with its reason,
// the counts by verdict, the outcome, and where the report is. dir is the report directory; empty means that there is none.
// Control characters from the system under test are made visible, so that it cannot repaint the terminal.
func Summary(w io.Writer, results *Results, dir string) error {
	r := clean(results)
	s := summary{room: maxSummaryResults}
	for _, verdict := range []Verdict{HarnessError, Fail, Inconclusive, Warn} {
		s.list(r.Results, verdict)
	}
	for i := range r.Results {
		if k := r.Results[i].Known; k != nil {
			s.line("baseline", "%s: %s", r.Results[i].ID, bound(knownSentence(k), maxSummaryText))
		}
	}
	if s.left > 0 {
		fmt.Fprintf(&s.b, "%s more; see the report\n", plural(s.left, "result"))
	}
	if s.b.Len() > 0 {
		s.b.WriteByte('\n')
	}
	s.end(r, dir)
	_, err := io.WriteString(w, s.b.String())
	return err
}

// Named is the name of a system with the faults that are switched on in it.
func Named(name string, faults []string) string {
	switch len(faults) {
	case 0:
		return name
	case 1:
		return name + " with its fault " + faults[0]
	}
	return name + " with its faults " + strings.Join(faults, ", ")
}

// summary is a summary that is being written.
type summary struct {
	b     strings.Builder
	room  int    // for how many results more
	left  int    // results that found no room
	first string // requirement that is not as it should be
}

func (s *summary) line(head, format string, args ...any) {
	fmt.Fprintf(&s.b, "%-13s %s\n", head, fmt.Sprintf(format, args...))
}

// list writes the results that have the verdict: those with the same reason together, with the reason below.
func (s *summary) list(results []Result, verdict Verdict) {
	var open []*Result
	for i := range results {
		if r := &results[i]; r.Verdict == verdict && (r.Verdict != Fail || !r.Accepts()) {
			open = append(open, r)
		}
	}
	for len(open) > 0 {
		first := open[0]
		var rest []*Result
		head := string(verdict)
		for i, r := range open {
			switch {
			case i > 0 && (r.Reason == "" || r.Reason != first.Reason):
				rest = append(rest, r)
			case s.room == 0:
				s.left++
			default:
				s.room--
				s.first = cmp.Or(s.first, r.Requirement)
				s.line(head, "%s: %s", r.ID, bound(r.Gist, maxSummaryText))
				head = ""
			}
		}
		if head == "" && first.Reason != "" {
			s.line("", "-> %s", bound(first.Reason, maxSummaryText))
		}
		open = rest
	}
}

// end writes what the run came to.
func (s *summary) end(r *Results, dir string) {
	var counts []string
	for _, c := range countViews(r.Results, false) {
		counts = append(counts, fmt.Sprintf("%d %s", c.Count, c.Verdict))
	}
	if len(counts) == 0 {
		counts = []string{"no results"}
	}
	fmt.Fprintf(&s.b, "Requirements, each on its roles: %s\n", strings.Join(counts, ", "))
	if r.Interrupted != "" {
		fmt.Fprintf(&s.b, "The run ended early: %s\n", r.Interrupted)
	}
	run := "complete run"
	if !r.Complete {
		run = "partial run"
	}
	fmt.Fprintf(&s.b, "%s: %s (%s, exit code %d)\n", Named(r.Subject.Name, r.Faults), outcome(r), run, r.ExitCode)
	if s.first != "" {
		fmt.Fprintf(&s.b, "What it is about: rspthreat explain %s\n", s.first)
	}
	if dir != "" {
		fmt.Fprintf(&s.b, "Report: %s\n", cleanLine(strings.TrimSuffix(dir, "/")+"/"+HTMLFile, maxLine))
	}
}
