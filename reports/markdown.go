// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"io"
	"strings"
)

// A job summary on GitHub ends at 1 MiB, and a reader's patience long before that.
const (
	maxMarkdownRows = 100 // of a table
	maxMarkdownText = 400 // bytes of a cell
)

// Markdown writes what summary.md holds: a run for the job summary of a CI server (GitHub flavoured Markdown).
func Markdown(w io.Writer, results *Results) error { return writeMarkdown(w, clean(results)) }

func writeMarkdown(w io.Writer, r *Results) error {
	b := &markdown{}
	b.line("<!-- %s -->", generator)
	b.line("# %s %s: %s", verdictMark(tone(r)), md(outcome(r)), md(r.Subject.Name))
	b.line("")
	run := "complete run"
	if !r.Complete {
		run = "**partial run**: not every check was selected and came to its end"
	}
	b.line("%s · exit code %d · %s · %s %s", run, r.ExitCode, md(r.Ledger.Document), md(r.Tool.Name), md(r.Tool.Version))
	if r.Interrupted != "" {
		b.line("\n**The run ended early:** %s", md(r.Interrupted))
	}
	b.counts(r.Results)
	b.attention(r)
	b.findings(r.Findings)
	b.matrix(r)
	if r.Command != "" {
		b.line("\nRepeat the run: %s", code(r.Command))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// markdown collects lines.
type markdown struct{ strings.Builder }

func (b *markdown) line(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

func (b *markdown) row(cells ...string) { b.line("| %s |", strings.Join(cells, " | ")) }

func (b *markdown) header(cells ...string) {
	b.line("")
	b.row(cells...)
	b.line("|%s", strings.Repeat("---|", len(cells)))
}

func (b *markdown) counts(results []Result) {
	var head, row []string
	for _, c := range countViews(results, false) {
		head, row = append(head, verdictMark(c.Verdict)+" "+string(c.Verdict)), append(row, fmt.Sprint(c.Count))
	}
	if len(head) == 0 {
		b.line("\nNothing was judged.")
		return
	}
	b.header(head...)
	b.row(row...)
}

// attention lists what is not as it should be, the worst first.
func (b *markdown) attention(r *Results) {
	list := attention(r.Results)
	if len(list) == 0 {
		return
	}
	b.line("\n## What needs attention")
	b.header("Verdict", "Requirement", "Role", "What is required, and what was seen")
	for i, result := range list {
		if i == maxMarkdownRows {
			b.line("\n%s more; see the report.", plural(len(list)-i, "result"))
			break
		}
		text := md(bound(result.Gist, maxMarkdownText))
		if result.Reason != "" {
			text += "<br>" + md(bound(result.Reason, maxMarkdownText))
		}
		if k := result.Known; k != nil {
			text += "<br>*" + md(knownSentence(k)) + "*"
		}
		b.row(verdictMark(result.Verdict)+" "+string(result.Verdict), md(result.Requirement), md(result.Role), text)
	}
}

func (b *markdown) findings(list []Finding) {
	if len(list) == 0 {
		return
	}
	b.line("\n## What fuzzing found")
	b.header("Severity", "Finding", "What happens", "Repeat")
	for i, f := range list {
		if i == maxMarkdownRows {
			b.line("\n%s more; see the report.", plural(len(list)-i, "finding"))
			break
		}
		title := md(bound(f.Title, maxMarkdownText))
		if f.Requirement != "" || f.Reference != "" {
			title += "<br>" + md(join(f.Requirement, f.Reference))
		}
		if f.Known != nil {
			title += "<br>*" + md(knownSentence(f.Known)) + "*"
		}
		replay := ""
		if f.Replay != "" {
			replay = code(bound(f.Replay, maxMarkdownText))
		}
		b.row(md(f.Severity), title, md(bound(f.Explanation, maxMarkdownText)), replay)
	}
}

func (b *markdown) matrix(r *Results) {
	v := newView(r)
	if len(v.Sections) == 0 {
		return
	}
	b.line("\n## Threats")
	head := []string{"Section"}
	for _, role := range v.Roles {
		head = append(head, md(role))
	}
	b.header(head...)
	for _, s := range v.Sections {
		row := []string{md(s.Number + " " + s.Title)}
		for _, c := range s.Cells {
			var parts []string
			for _, n := range c.Counts {
				parts = append(parts, fmt.Sprintf("%s %d", verdictMark(n.Verdict), n.Count))
			}
			row = append(row, strings.Join(parts, " "))
		}
		b.row(row...)
	}
}

// attention returns the results that are not as they should be, the worst first, and last what a baseline accepts.
func attention(results []Result) []Result {
	var out, accepted []Result
	for _, v := range []Verdict{Fail, HarnessError, Inconclusive, Warn} {
		for i := range results {
			switch {
			case results[i].Verdict != v:
			case results[i].Accepts():
				accepted = append(accepted, results[i])
			default:
				out = append(out, results[i])
			}
		}
	}
	return append(out, accepted...)
}

// knownSentence says what a baseline entry means for its result.
func knownSentence(k *Known) string {
	var s string
	switch k.State {
	case KnownFailure:
		s = "known"
	case KnownFixed:
		s = "was known, met now: the baseline entry can go"
	case KnownExpired:
		s = "was accepted, no longer"
	default:
		s = "known, but not in this way"
	}
	if k.Expires != "" {
		s += " (until " + k.Expires + ")"
	}
	if k.Reason != "" {
		s += ": " + k.Reason
	}
	if k.Link != "" {
		s += " " + k.Link
	}
	return s
}

// md makes one line of text plain in Markdown, within a cell of a table as well: no markup, no tags, no links, no mentions.
func md(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r':
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_[]|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteString(mdEntities.Replace(string(r)))
		}
	}
	return mdLinks.Replace(b.String())
}

var (
	mdEntities = strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", "@", "&#64;")
	mdLinks    = strings.NewReplacer("://", "&#58;//", "www.", "www&#46;", "WWW.", "WWW&#46;", "mailto:", "mailto&#58;", "xmpp:", "xmpp&#58;")
)

// code makes a code span: nothing in it is markup but the bar of a table, and backticks that end it.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", "\\|")
	return fence + " " + s + " " + fence
}
