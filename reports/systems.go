// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Systems are several implementations side by side.
type Systems struct {
	Runs     []Run
	Sections []SystemsSection
}

// SystemsSection is one threat with its requirements.
type SystemsSection struct {
	Number, Title string
	Rows          []SystemsRow
}

// SystemsRow is one requirement on one role, with a cell for each run.
type SystemsRow struct {
	ID, Requirement, Role, Level, Gist string
	Cells                              []SystemsCell
	Differ                             bool // the verdicts are not all the same
}

// SystemsCell is the verdict of one run, empty where it has none, and its reason.
type SystemsCell struct {
	Verdict Verdict
	Reason  string
}

// SideBySide puts the results of several runs next to each other, in the order in which they first appear.
func SideBySide(runs ...*Results) *Systems {
	s := &Systems{}
	rows := map[string]*SystemsRow{}
	var order []*SystemsRow
	section := map[*SystemsRow]Result{}
	for n, r := range runs {
		r = clean(r)
		s.Runs = append(s.Runs, runOf(r))
		for _, result := range r.Results {
			row := rows[result.ID]
			if row == nil {
				row = &SystemsRow{
					ID: result.ID, Requirement: result.Requirement, Role: result.Role, Level: result.Level, Gist: result.Gist,
					Cells: make([]SystemsCell, len(runs)),
				}
				rows[result.ID], section[row] = row, result
				order = append(order, row)
			}
			row.Cells[n] = SystemsCell{result.Verdict, result.Reason}
		}
	}
	for _, row := range order {
		row.Differ = slices.ContainsFunc(row.Cells, func(c SystemsCell) bool { return c.Verdict != row.Cells[0].Verdict })
		at := slices.IndexFunc(s.Sections, func(x SystemsSection) bool { return x.Number == section[row].Section })
		if at < 0 {
			at = len(s.Sections)
			s.Sections = append(s.Sections, SystemsSection{Number: section[row].Section, Title: section[row].SectionTitle})
		}
		s.Sections[at].Rows = append(s.Sections[at].Rows, *row)
	}
	return s
}

// Counts are those of one run.
func (r Run) Counts() []verdictCount { return countViews(r.Results, false) }

// Worst is the verdict of one run on a whole section.
func (s SystemsSection) Worst(run int) Verdict {
	var v Verdict
	for _, row := range s.Rows {
		if v == "" {
			v = row.Cells[run].Verdict
		}
		v = Worse(v, row.Cells[run].Verdict)
	}
	return v
}

// Markdown writes a table with a column for each implementation.
func (s *Systems) Markdown(w io.Writer) error {
	b := &markdown{}
	b.line("<!-- %s -->", generator)
	b.line("# Implementations side by side")
	head, counts := []string{"Requirement", "Role"}, []string{"", "**Counts**"}
	for _, r := range s.Runs {
		head = append(head, md(r.Name()))
		var parts []string
		for _, c := range r.Counts() {
			parts = append(parts, fmt.Sprintf("%s %d", verdictMark(c.Verdict), c.Count))
		}
		counts = append(counts, strings.Join(parts, " "))
	}
	b.header(head...)
	b.row(counts...)
	for _, section := range s.Sections {
		row := []string{"**" + md(section.Number+" "+section.Title) + "**", ""}
		for n := range s.Runs {
			row = append(row, verdictMarkOr(section.Worst(n)))
		}
		b.row(row...)
		for _, r := range section.Rows {
			row := []string{md(r.Requirement) + " " + md(bound(r.Gist, maxMarkdownText)), md(r.Role)}
			for _, c := range r.Cells {
				row = append(row, verdictCell(c.Verdict))
			}
			b.row(row...)
		}
	}
	var legend []string
	for _, v := range verdicts {
		legend = append(legend, verdictMark(v)+" "+string(v))
	}
	b.line("\n%s", strings.Join(legend, ", "))
	_, err := io.WriteString(w, b.String())
	return err
}

func verdictMarkOr(v Verdict) string {
	if v == "" {
		return "–"
	}
	return verdictMark(v)
}

// HTML writes the table as one page that needs nothing else.
func (s *Systems) HTML(w io.Writer) error {
	return writePage(w, "systems.html.tmpl", systemsView{s})
}

type systemsView struct{ S *Systems }

func (systemsView) PageTitle() string { return "Implementations side by side" }
