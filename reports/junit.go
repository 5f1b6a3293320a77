// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of a JUnit report as Jenkins and Ant understand them; the order of fields is that of the format.
type (
	junitRun struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Hostname   string          `xml:"hostname,attr"`
		ID         int             `xml:"id,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
		elapsed    time.Duration
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		Classname string        `xml:"classname,attr"`
		Time      string        `xml:"time,attr"`
		Skipped   *junitOutcome `xml:"skipped"`
		Error     *junitOutcome `xml:"error"`
		Failure   *junitOutcome `xml:"failure"`
		Out       string        `xml:"system-out,omitempty"`
	}
	junitOutcome struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junitTime is ISO 8601 without a zone, as the format demands; it is UTC.
const junitTime = "2006-01-02T15:04:05"

// writeJUnit writes clean results: a suite for each section, a case for each result, and one for each finding of a fuzzer.
// What a baseline accepts is skipped, with the reason.
// A run that was interrupted gets one case more, in error, so that its green results do not pass for a whole run.
func writeJUnit(w io.Writer, r *Results) error {
	run := junitRun{Name: generator + " " + r.Subject.Name}
	var elapsed time.Duration
	for _, s := range sections(r.Results) {
		suite := junitSection(r, s)
		elapsed += suite.elapsed
		run.add(suite)
	}
	if len(r.Findings) > 0 {
		suite := junitSuite{Name: "fuzzing"}
		for i := range r.Findings {
			suite.add(junitFinding(&r.Findings[i]), 0)
		}
		run.add(suite)
	}
	if r.Interrupted != "" {
		c := junitCase{Name: "the run came to its end", Classname: generator + ".run", Time: junitSeconds(0)}
		c.Error = &junitOutcome{Type: "interrupted", Message: r.Interrupted}
		suite := junitSuite{Name: "run"}
		suite.add(c, 0)
		run.add(suite)
	}
	run.Time = junitSeconds(elapsed)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(run); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *junitRun) add(s junitSuite) {
	s.ID = len(r.Suites)
	s.Hostname = "localhost"
	s.Time = junitSeconds(s.elapsed)
	r.Suites = append(r.Suites, s)
	r.Tests += s.Tests
	r.Failures += s.Failures
	r.Errors += s.Errors
}

func (s *junitSuite) add(c junitCase, took time.Duration) {
	s.Cases = append(s.Cases, c)
	s.elapsed += took
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func junitSection(r *Results, s section) junitSuite {
	suite := junitSuite{
		Name: strings.TrimSpace(s.Number + " " + s.Title),
		Properties: []junitProperty{
			{"subject", r.Subject.Name}, {"document", r.Ledger.Document}, {"version", r.Tool.Version},
		},
	}
	if !r.Started.IsZero() {
		suite.Timestamp = r.Started.UTC().Format(junitTime)
	}
	for _, result := range s.Results {
		suite.add(junitResult(&result), result.Duration)
	}
	return suite
}

// junitResult maps a verdict to what CI systems know: passed, failed, in error, skipped.
func junitResult(r *Result) junitCase {
	// Dots make a hierarchy in most viewers; the number of a section must not.
	c := junitCase{
		Name:      r.ID + ": " + r.Gist,
		Classname: strings.Join([]string{generator, strings.ReplaceAll(r.Section, ".", "-"), r.Role}, "."),
		Time:      junitSeconds(r.Duration),
	}
	outcome := &junitOutcome{Type: string(r.Verdict), Message: r.Reason, Text: junitDetails(r)}
	if r.Breaks() && r.Verdict != Fail {
		c.Failure = &junitOutcome{Type: string(r.Known.State), Message: knownSentence(r.Known), Text: r.Reason + "\n" + outcome.Text}
		return c
	}
	switch r.Verdict {
	case Pass:
	case Warn:
		c.Out = "warning: " + r.Reason + "\n" + outcome.Text
	case Fail:
		c.Failure = outcome
		if r.Accepts() {
			c.Failure, c.Skipped = nil, &junitOutcome{Type: string(r.Known.State), Message: knownSentence(r.Known), Text: r.Reason + "\n" + outcome.Text}
		}
	case NotApplicable, Unsupported:
		c.Skipped = outcome
	default:
		c.Error = outcome
	}
	return c
}

// junitFinding is a failure unless a baseline accepts it.
func junitFinding(f *Finding) junitCase {
	var b strings.Builder
	for _, l := range [][2]string{
		{"severity", f.Severity},
		{"requirement", f.Requirement},
		{"reference", f.Reference},
		{"what happens", f.Explanation},
		{"report", HTMLFile + "#finding-" + f.ID},
		{"reproducer", f.Reproducer},
		{"repeat", f.Replay},
	} {
		if l[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", l[0], l[1])
		}
	}
	c := junitCase{Name: f.ID + ": " + f.Title, Classname: generator + ".fuzz." + f.Kind, Time: junitSeconds(0)}
	outcome := &junitOutcome{Type: f.Kind, Message: f.Title, Text: b.String()}
	if f.Known != nil && f.Known.State == KnownFailure {
		outcome.Message = knownSentence(f.Known)
		c.Skipped = outcome
	} else {
		c.Failure = outcome
	}
	return c
}

func junitDetails(r *Result) string {
	var b strings.Builder
	add := func(label, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", label, value)
		}
	}
	add("level", r.Level)
	add("certainty", r.Certainty)
	for _, i := range r.Information {
		add("information", i)
	}
	if r.Check != "" {
		add("report", HTMLFile+"#check-"+r.Check)
	}
	add("repeat", r.Command)
	return b.String()
}

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", max(d, 0).Seconds()) }
