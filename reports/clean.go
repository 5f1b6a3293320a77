// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"math"
	"slices"
)

// Bounds on lists in every report; the captures hold everything.
const (
	maxSteps = 200
	// A step shows its first and last messages: a flood repeats itself in between.
	maxStepHead = 150
	maxStepTail = 50
	maxLog      = 500  // lines of the log of the system under test for one check
	maxElements = 2000 // lines of a handlespace
	maxItems    = 100  // of any other list
	maxFields   = 400  // fields of a message
	maxPoints   = 4000 // of a curve: more than a page has pixels
	maxFindings = 500
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
	c.Proof = cleanProof(c.Proof)
	if len(c.Findings) > maxFindings {
		c.Findings = c.Findings[:maxFindings]
	}
	c.Findings = some(c.Findings, cleanFinding)
	return &c
}

func cleanProof(p *Proof) *Proof {
	if p == nil {
		return nil
	}
	return &Proof{Faults: mapped(p.Faults, func(f ProvenFault) ProvenFault {
		lines(&f.Name, &f.Role, &f.Description)
		f.Violates = mapped(f.Violates, cleanName)
		f.Noted = some(f.Noted, cleanName)
		f.Disabled = some(f.Disabled, cleanName)
		return f
	})}
}

func cleanName(s string) string { return cleanLine(s, maxLine) }

func cleanFinding(f Finding) Finding {
	lines(&f.ID, &f.Title, &f.Kind, &f.Severity, &f.Role, &f.Requirement, &f.Reference, &f.Replay)
	f.Explanation = cleanText(f.Explanation, maxText)
	f.Hex = cleanLine(f.Hex, maxHex)
	f.Size, f.OriginalSize, f.Count = max(f.Size, 0), max(f.OriginalSize, 0), max(f.Count, 0)
	if !isFile(f.Reproducer) {
		f.Reproducer = ""
	}
	if !isCapture(f.Capture) {
		f.Capture = ""
	}
	f.Known = cleanKnown(f.Known)
	return f
}

func cleanKnown(k *Known) *Known {
	if k == nil {
		return nil
	}
	c := *k
	lines(&c.Reason, &c.Link, &c.Expires, &c.Fingerprint)
	switch c.State {
	case KnownFailure, KnownFixed, KnownExpired, KnownChanged:
	default:
		c.State = KnownChanged // whatever it is, it is not what was accepted
	}
	return &c
}

func cleanSubject(s Subject) Subject {
	lines(&s.Name, &s.Organisation, &s.Product, &s.Version, &s.Contact, &s.Security, &s.ConfigFile)
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
	if r.Fingerprint = cleanName(r.Fingerprint); r.Fingerprint == "" {
		r.Fingerprint = FingerprintOf(&r)
	}
	r.Known = cleanKnown(r.Known)
	return r
}

func cleanCheck(c Check) Check {
	lines(&c.ID, &c.Section, &c.Role, &c.Title, &c.Command, &c.Threat.Attacker, &c.Threat.Precondition,
		&c.Threat.Effect, &c.Threat.Mitigation, &c.Threat.Residual)
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
	c.Messages = mapped(c.Messages, cleanMessage)
	c.Plots = some(c.Plots, cleanPlot)
	c.Before = cleanLines(c.Before, maxElements)
	c.After = cleanLines(c.After, maxElements)
	c.Log = cleanLines(c.Log, maxLog)
	return c
}

func cleanMessage(m Message) Message {
	lines(&m.From, &m.To, &m.Door, &m.Name, &m.Summary)
	m.Hex = cleanLine(m.Hex, maxHex)
	m.Fields = cleanFields(m.Fields)
	return m
}

func cleanFields(in []Field) []Field {
	if len(in) > maxFields {
		in = in[:maxFields]
	}
	return some(in, func(f Field) Field {
		f.Name, f.Value = cleanLine(f.Name, maxName), cleanLine(f.Value, maxValue)
		f.Depth, f.At, f.Length = min(max(f.Depth, 0), maxDepth), max(f.At, 0), max(f.Length, 0)
		return f
	})
}

// cleanPlot leaves out what is no number: JSON has no way to write it, nor a curve a place for it.
func cleanPlot(p Plot) Plot {
	lines(&p.Title, &p.Unit)
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	limits := slices.DeleteFunc(slices.Clone(p.Limits), func(l Limit) bool { return !finite(l.Value) })
	p.Limits = some(limits, func(l Limit) Limit { lines(&l.Name); return l })
	p.Series = mapped(p.Series, func(s Series) Series {
		lines(&s.Name)
		points := slices.DeleteFunc(slices.Clone(s.Points), func(p Point) bool { return !finite(p.Value) })
		s.Points = decimate(points)
		return s
	})
	return p
}

// decimate keeps the smallest and the largest value of each of maxPoints/2 stretches of a curve that is longer than maxPoints:
// what a plot is judged by must not get lost.
func decimate(in []Point) []Point {
	if len(in) <= maxPoints {
		return append([]Point{}, in...)
	}
	out := make([]Point, 0, maxPoints)
	const stretches = maxPoints / 2
	for i := range stretches {
		part := in[i*len(in)/stretches : (i+1)*len(in)/stretches]
		low, high := 0, 0
		for j := range part {
			if part[j].Value < part[low].Value {
				low = j
			}
			if part[j].Value > part[high].Value {
				high = j
			}
		}
		out = append(out, part[min(low, high)])
		if low != high {
			out = append(out, part[max(low, high)])
		}
	}
	return out
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

// some is mapped for lists that are left out when they are empty.
func some[T any](in []T, f func(T) T) []T {
	if len(in) == 0 {
		return nil
	}
	return mapped(in, f)
}

// mapped returns a new list, never nil.
func mapped[T any](in []T, f func(T) T) []T {
	out := make([]T, 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}
