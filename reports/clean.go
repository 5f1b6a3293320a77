// SPDX-License-Identifier: Apache-2.0

package reports

import "slices"

// Bounds on lists in every report; the captures hold everything.
const (
	maxSteps = 200
	// A step shows its first and last messages: a flood repeats itself in between.
	maxStepHead = 40
	maxStepTail = 20
	maxLog      = 500  // lines of the log of the system under test for one check
	maxElements = 2000 // lines of a handlespace
	maxItems    = 100  // of any other list
)

// noVerdict is the reason of a result that came without one.
const noVerdict = "the check ended without a verdict"

// clean returns a copy of r that every writer can use as it is: text is printable and bounded, lists are bounded
// and not nil, every result has a known verdict. Cleaning twice changes nothing.
func clean(r *Results) *Results {
	c := *r
	c.Schema = SchemaID
	lines(&c.Tool.Name, &c.Tool.Version, &c.Tool.Commit, &c.Tool.Go,
		&c.Ledger.Document, &c.Ledger.Version, &c.Command, &c.Interrupted)
	c.Subject = cleanSubject(c.Subject)
	c.Faults = cleanLines(c.Faults, maxItems)
	c.Results = mapped(c.Results, cleanResult)
	c.Checks = mapped(c.Checks, cleanCheck)
	return &c
}

func cleanSubject(s Subject) Subject {
	lines(&s.Name, &s.Organisation, &s.Product, &s.Version, &s.Contact, &s.Security)
	s.Config = cleanText(s.Config, maxText)
	s.Doors = mapped(s.Doors, func(d Door) Door {
		lines(&d.Protocol, &d.Transport, &d.Address)
		return d
	})
	return s
}

func cleanResult(r Result) Result {
	lines(&r.ID, &r.Requirement, &r.Section, &r.SectionTitle, &r.Role, &r.Level, &r.Gist, &r.Observable,
		&r.Reason, &r.Certainty, &r.Check, &r.Command)
	r.Information = cleanLines(r.Information, maxItems)
	r.Faults = cleanLines(r.Faults, maxItems)
	if !slices.Contains(verdicts[:], r.Verdict) {
		r.Verdict = HarnessError
		if r.Reason == "" {
			r.Reason = noVerdict
		}
	}
	return r
}

func cleanCheck(c Check) Check {
	lines(&c.ID, &c.Section, &c.Role, &c.Title,
		&c.Threat.Attacker, &c.Threat.Precondition, &c.Threat.Effect)
	if !isCapture(c.Capture) {
		c.Capture = "" // the page links to it
	}
	if len(c.Steps) > maxSteps {
		c.Steps = c.Steps[:maxSteps]
	}
	c.Steps = mapped(c.Steps, func(s Step) Step {
		lines(&s.Title, &s.Outcome)
		if s.Verdict != "" && !slices.Contains(verdicts[:], s.Verdict) {
			s.Verdict = HarnessError
		}
		return s
	})
	var omitted int
	c.Messages, omitted = thin(c.Messages)
	c.MessagesOmitted += omitted
	c.Messages = mapped(c.Messages, func(m Message) Message {
		lines(&m.From, &m.To, &m.Door, &m.Name, &m.Summary)
		m.Hex = cleanLine(m.Hex, maxHex)
		return m
	})
	c.Before = cleanLines(c.Before, maxElements)
	c.After = cleanLines(c.After, maxElements)
	c.Log = cleanLines(c.Log, maxLog)
	return c
}

// thin keeps the first and last messages of each step and tells how many it left out.
func thin(all []Message) (kept []Message, omitted int) {
	total := map[int]int{}
	for i := range all {
		total[all[i].Step]++
	}
	seen := map[int]int{}
	for i := range all {
		step := all[i].Step
		n := seen[step]
		seen[step]++
		if n < maxStepHead || n >= total[step]-maxStepTail {
			kept = append(kept, all[i])
		}
	}
	return kept, len(all) - len(kept)
}

// lines cleans each string in place.
func lines(fields ...*string) {
	for _, f := range fields {
		*f = cleanLine(*f, maxLine)
	}
}

// cleanLines cleans a list of lines. Of one that is too long the middle goes: a log tells what happened at its
// beginning and how it ended at its end.
func cleanLines(in []string, limit int) []string {
	if len(in) == 0 {
		return nil
	}
	if n := len(in) - limit; n > 0 {
		head, tail := in[:limit/2], in[limit/2+n+1:]
		in = slices.Concat(head, []string{leftOut(n + 1)}, tail)
	}
	return mapped(in, func(s string) string { return cleanLine(s, maxLine) })
}

// mapped returns a new list, never nil.
func mapped[T any](in []T, f func(T) T) []T {
	out := make([]T, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}
