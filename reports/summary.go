// SPDX-License-Identifier: Apache-2.0

package reports

import (
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
	var b strings.Builder
	left := 0
	for _, verdict := range []Verdict{HarnessError, Fail, Inconclusive, Warn} {
		left += summarize(&b, r.Results, verdict, max(maxSummaryResults-strings.Count(b.String(), "\n"), 0))
	}
	for i := range r.Results {
		if k := r.Results[i].Known; k != nil {
			fmt.Fprintf(&b, "%-13s %s: %s\n", "baseline", r.Results[i].ID, bound(knownSentence(k), maxSummaryText))
		}
	}
	if left > 0 {
		fmt.Fprintf(&b, "%s more; see the report\n", plural(left, "result"))
	}
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	var counts []string
	for _, c := range countViews(r.Results, false) {
		counts = append(counts, fmt.Sprintf("%d %s", c.Count, c.Verdict))
	}
	if len(counts) == 0 {
		counts = []string{"no results"}
	}
	fmt.Fprintln(&b, strings.Join(counts, ", "))
	if r.Interrupted != "" {
		fmt.Fprintf(&b, "The run ended early: %s\n", r.Interrupted)
	}
	run := "complete run"
	if !r.Complete {
		run = "partial run"
	}
	fmt.Fprintf(&b, "%s: %s (%s, exit code %d)\n", r.Subject.Name, outcome(r), run, r.ExitCode)
	if dir != "" {
		fmt.Fprintf(&b, "Report: %s\n", cleanLine(strings.TrimSuffix(dir, "/")+"/"+HTMLFile, maxLine))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// summarize writes up to limit results that have the verdict and returns how many it left out.
func summarize(b *strings.Builder, results []Result, verdict Verdict, limit int) (left int) {
	for i := range results {
		r := &results[i]
		if r.Verdict != verdict || r.Verdict == Fail && r.Accepts() {
			continue
		}
		if limit == 0 {
			left++
			continue
		}
		limit--
		fmt.Fprintf(b, "%-13s %s: %s\n", verdict, r.ID, join(bound(r.Gist, maxSummaryText), bound(r.Reason, maxSummaryText)))
	}
	return left
}
