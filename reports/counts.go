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
