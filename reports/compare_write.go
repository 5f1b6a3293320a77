// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Text writes the comparison for a terminal: a line for each change, then the counts.
func (c *Comparison) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "from  %s\nto    %s\n", c.A.sentence(), c.B.sentence())
	for _, s := range c.NotAlike {
		fmt.Fprintf(&b, "note  %s\n", s)
	}
	b.WriteByte('\n')
	for i := range c.Changes {
		x := &c.Changes[i]
		if x.Kind == Same {
			continue
		}
		fmt.Fprintf(&b, "%-8s %s: %s -> %s: %s\n", x.Kind, x.ID, orNothing(string(x.Before)), orNothing(string(x.After)),
			join(bound(x.Title, maxSummaryText), bound(x.Why(), maxSummaryText)))
	}
	fmt.Fprintln(&b, c.Sentence())
	_, err := io.WriteString(w, b.String())
	return err
}

// Why is the reason that matters: why it is as it is now, or why it was as it was where there is nothing now.
func (c *Change) Why() string {
	if c.Is != "" || c.After != "" {
		return c.Is
	}
	return c.Was
}

// Sentence gives the counts.
func (c *Comparison) Sentence() string {
	var parts []string
	for _, kind := range changeKinds {
		parts = append(parts, fmt.Sprintf("%d %s", c.Count(kind), kind))
	}
	return strings.Join(parts, ", ")
}

func (r Run) sentence() string {
	s := r.Name()
	if !r.Started.IsZero() {
		s += ", " + r.Started.UTC().Format(time.DateTime) + " UTC"
	}
	return s + ", exit code " + fmt.Sprint(r.ExitCode)
}

// Name is the system with its version.
func (r Run) Name() string {
	s := r.Subject.Name
	if r.Subject.Version != "" {
		s += " " + r.Subject.Version
	}
	return s
}

// Markdown writes the comparison for a pull request or a job summary.
func (c *Comparison) Markdown(w io.Writer) error {
	b := &markdown{}
	b.line("<!-- %s -->", generator)
	b.line("# %s %s", verdictMark(exitTone(c.ExitCode())), md(c.Title()))
	b.line("\nFrom %s  \nto %s", md(c.A.sentence()), md(c.B.sentence()))
	for _, s := range c.NotAlike {
		b.line("\nNote: %s", md(s))
	}
	var head, row []string
	for _, kind := range changeKinds {
		head, row = append(head, string(kind)), append(row, fmt.Sprint(c.Count(kind)))
	}
	b.header(head...)
	b.row(row...)
	rows := 0
	for i := range c.Changes {
		x := &c.Changes[i]
		if x.Kind == Same {
			continue
		}
		if rows == 0 {
			b.header("Change", "Requirement", "From", "To", "What is required, and why")
		}
		if rows++; rows > maxMarkdownRows {
			b.line("\n%s more.", plural(len(c.Changes)-c.Count(Same)-maxMarkdownRows, "change"))
			break
		}
		text := md(bound(x.Title, maxMarkdownText))
		if why := x.Why(); why != "" {
			text += "<br>" + md(bound(why, maxMarkdownText))
		}
		b.row(string(x.Kind), md(x.ID), verdictCell(x.Before), verdictCell(x.After), text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Title is the outcome in a few words.
func (c *Comparison) Title() string {
	switch {
	case c.ExitCode() == ExitViolations:
		return "Worse than before"
	case c.ExitCode() == ExitUnreachable:
		return "Verdicts are missing"
	case c.Count(Bettered) > 0:
		return "Better than before"
	default:
		return "No worse than before"
	}
}

func verdictCell(v Verdict) string {
	if v == "" {
		return "–"
	}
	return verdictMark(v) + " " + string(v)
}

// HTML writes the comparison as one page that needs nothing else.
func (c *Comparison) HTML(w io.Writer) error {
	return writePage(w, "compare.html.tmpl", comparisonView{c, exitTone(c.ExitCode()), changeKinds[:], changeMeaning})
}

type comparisonView struct {
	C       *Comparison
	Tone    Verdict
	Kinds   []ChangeKind
	Meaning map[ChangeKind]string
}

func (v comparisonView) PageTitle() string { return v.C.B.Name() + ": " + v.C.Title() }
