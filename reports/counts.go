// SPDX-License-Identifier: Apache-2.0

package reports

import "slices"

// Counts tells how many results have each verdict.
func Counts(results []Result) map[Verdict]int {
	n := map[Verdict]int{}
	for i := range results {
		n[results[i].Verdict]++
	}
	return n
}

// section is the results of one section of the document, in their order.
type section struct {
	Number, Title string
	Results       []Result
}

// sections groups results by section, in the order in which sections first appear.
func sections(results []Result) []section {
	var out []section
	for _, r := range results {
		i := slices.IndexFunc(out, func(s section) bool { return s.Number == r.Section })
		if i < 0 {
			i = len(out)
			out = append(out, section{Number: r.Section, Title: r.SectionTitle})
		}
		out[i].Results = append(out[i].Results, r)
	}
	return out
}

// outcome says in a few words what a run came to. An exit code alone would call a run that a baseline lets pass conforming.
func outcome(r *Results) string {
	failed, accepted, breaks := tally(r.Results)
	switch {
	case r.ExitCode == ExitConforms && accepted > 0:
		return "Conforms but for " + plural(accepted, "known failure")
	case r.ExitCode == ExitViolations && failed == 0 && breaks:
		return "The baseline of known failures does not fit any more"
	case r.ExitCode == ExitViolations && failed == 0 && len(r.Findings) > 0:
		return "Fuzzing found " + plural(len(r.Findings), "defect")
	default:
		return exitMeaning(r.ExitCode)
	}
}

// tone is the verdict that looks as the outcome of a run should.
func tone(r *Results) Verdict {
	if _, accepted, _ := tally(r.Results); r.ExitCode == ExitConforms && accepted > 0 {
		return Warn
	}
	return exitTone(r.ExitCode)
}

// tally counts failures that no baseline accepts and those that one does, and tells whether a baseline does not fit.
func tally(results []Result) (failed, accepted int, breaks bool) {
	for i := range results {
		r := &results[i]
		breaks = breaks || r.Breaks()
		switch {
		case r.Verdict != Fail:
		case r.Accepts():
			accepted++
		default:
			failed++
		}
	}
	return failed, accepted, breaks
}

// exitMeaning says in a few words what an exit code means.
func exitMeaning(code int) string {
	switch code {
	case ExitConforms:
		return "Conforms to every requirement that was judged"
	case ExitViolations:
		return "Does not conform"
	case ExitUsage:
		return "Nothing was judged: usage or configuration error"
	case ExitUnreachable:
		return "No sound verdict: the system could not be reached, a verdict is missing, or the harness failed"
	case ExitNothingRan:
		return "Nothing was judged: no check was selected, or none applies"
	default:
		return "Unknown exit code"
	}
}
