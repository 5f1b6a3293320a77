// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// verdictRun is a run with one result for each verdict given, T0 and on; an empty verdict leaves the result out.
func verdictRun(vs ...Verdict) *Results {
	r := &Results{Subject: Subject{Name: "x"}, Complete: true}
	for i, v := range vs {
		if v != "" {
			id := fmt.Sprintf("T%d@registrar", i)
			r.Results = append(r.Results, Result{ID: id, Requirement: fmt.Sprintf("T%d", i), Role: "registrar", Section: "2.1", Verdict: v, Reason: "because", Gist: "gist"})
		}
	}
	return r
}

func TestCompareTellsWhatBecameOfAVerdict(t *testing.T) {
	for _, row := range []struct {
		was, is Verdict
		want    ChangeKind
		code    int
	}{
		{Pass, Pass, Same, ExitConforms},
		{Pass, Fail, Worsened, ExitViolations},
		{Pass, Warn, Worsened, ExitViolations},
		{Warn, Fail, Worsened, ExitViolations},
		{Fail, Warn, Bettered, ExitConforms},
		{Fail, Pass, Bettered, ExitConforms},
		{Fail, Fail, Same, ExitConforms},
		{Pass, "", Gone, ExitUnreachable},
		{Pass, Inconclusive, Gone, ExitUnreachable},
		{Fail, HarnessError, Gone, ExitUnreachable}, // not known to be mended
		{Fail, NotApplicable, Gone, ExitUnreachable},
		{"", Pass, New, ExitConforms},
		{"", Warn, New, ExitConforms},
		{"", Fail, New, ExitViolations},
		{NotApplicable, Fail, New, ExitViolations},
		{Inconclusive, Pass, New, ExitConforms},
		{NotApplicable, Inconclusive, Same, ExitConforms},
		{"", NotApplicable, Same, ExitConforms},
	} {
		c := Compare(verdictRun(row.was), verdictRun(row.is))
		if len(c.Changes) != 1 || c.Changes[0].Kind != row.want || c.ExitCode() != row.code {
			t.Errorf("%s to %s: %+v, exit code %d; want %s, %d", row.was, row.is, c.Changes, c.ExitCode(), row.want, row.code)
		}
	}
}

func TestCompareSeesAnotherWayToFailAndFindings(t *testing.T) {
	a, b := verdictRun(Fail, Pass), verdictRun(Fail, Pass)
	b.Results[0].Reason = "for another reason"
	a.Findings = []Finding{{ID: "crash-1"}, {ID: "crash-2"}}
	b.Findings = []Finding{{ID: "crash-2"}, {ID: "crash-3", Title: "new"}}
	c := Compare(a, b)
	got := map[string]ChangeKind{}
	for _, x := range c.Changes {
		got[x.ID] = x.Kind
	}
	want := map[string]ChangeKind{"T0@registrar": Differs, "T1@registrar": Same, "crash-1": Bettered, "crash-2": Same, "crash-3": Worsened}
	if !maps.Equal(got, want) || c.ExitCode() != ExitViolations {
		t.Errorf("got %v, exit code %d", got, c.ExitCode())
	}
}

func TestCompareSaysWhatMayNotBeCompared(t *testing.T) {
	a, b := verdictRun(Pass), verdictRun(Pass)
	b.Complete, b.Faults, b.Ledger.Version = false, []string{"skip-owner-check"}, "2"
	if got := strings.Join(Compare(a, b).NotAlike, "\n"); !strings.Contains(got, "faults") || !strings.Contains(got, "document") || !strings.Contains(got, "not complete") {
		t.Errorf("got %q", got)
	}
	if got := Compare(a, a).NotAlike; len(got) != 0 {
		t.Errorf("a run does not compare with itself: %q", got)
	}
}

func TestComparisonIsWrittenInEveryFormat(t *testing.T) {
	a, b := verdictRun(Pass, Fail, Pass, "", Pass), verdictRun(Fail, Pass, "", Pass, Pass)
	c := Compare(a, b)
	var text1, page, markdown1 bytes.Buffer
	for w, write := range map[*bytes.Buffer]func() error{
		&text1: func() error { return c.Text(&text1) }, &page: func() error { return c.HTML(&page) }, &markdown1: func() error { return c.Markdown(&markdown1) },
	} {
		if err := write(); err != nil {
			t.Fatal(err, w)
		}
	}
	for _, want := range []string{
		"worse    T0@registrar: pass -> fail: gist; because\n", "gone     T2@registrar: pass -> none", "new      T3@registrar: none -> pass",
		"better   T1@registrar: fail -> pass", "1 worse, 1 gone, 1 new, 0 changed, 1 better, 1 same\n",
	} {
		if !strings.Contains(text1.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &text1)
		}
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	for where, got := range map[string]string{"page": text(root), "markdown": text(rendered(t, markdown1.String()))} {
		for _, want := range []string{"Worse than before", "T0@registrar", "✓ pass", "✗ fail"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q in\n%s", where, want, got)
			}
		}
	}
}

func TestSystemsStandSideBySide(t *testing.T) {
	a, b := verdictRun(Pass, Fail, ""), verdictRun(Pass, Pass, Warn)
	a.Subject.Name, b.Subject.Name, b.Subject.Version = "poold", "other | registrar", "2"
	s := SideBySide(a, b)
	if len(s.Sections) != 1 || len(s.Sections[0].Rows) != 3 {
		t.Fatalf("%+v", s.Sections)
	}
	var differ []bool
	for _, row := range s.Sections[0].Rows {
		differ = append(differ, row.Differ)
	}
	if !slices.Equal(differ, []bool{false, true, true}) {
		t.Errorf("rows that differ: %v", differ)
	}
	var page, source bytes.Buffer
	if err := s.HTML(&page); err != nil {
		t.Fatal(err)
	}
	if err := s.Markdown(&source); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&page)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(root); !strings.Contains(got, "poold") || !strings.Contains(got, "other | registrar 2") || !strings.Contains(got, "they differ gist ✗ fail because ✓ pass") {
		t.Errorf("page:\n%s", got)
	}
	table := elementsNamed(rendered(t, source.String()), "table")[0]
	if got := text(table); !strings.Contains(got, "T1 gist registrar ✗ fail ✓ pass T2 gist registrar – ! warn") {
		t.Errorf("markdown:\n%s", got)
	}
}

// What a hostile system says stays text in comparisons as well.
func TestComparisonsStayOursWhateverTheSystemSays(t *testing.T) {
	plain, evil := everyVerdict(t), hostile(t)
	for name, write := range map[string]func(*bytes.Buffer, *Results) error{
		"diff":   func(b *bytes.Buffer, r *Results) error { return Compare(plain, r).HTML(b) },
		"matrix": func(b *bytes.Buffer, r *Results) error { return SideBySide(plain, r).HTML(b) },
	} {
		var good, bad bytes.Buffer
		if err := write(&good, plain); err != nil {
			t.Fatal(err)
		}
		if err := write(&bad, evil); err != nil {
			t.Fatal(err)
		}
		for _, n := range elements(mustParse(t, &bad)) {
			if n.Data == "img" || n.Data == "script" {
				t.Errorf("%s: element <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: attribute %s", name, a.Key)
				}
			}
		}
	}
	var b strings.Builder
	if err := Compare(plain, evil).Text(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\x07\x00\u202e") {
		t.Error("the text repaints the terminal")
	}
}

func mustParse(t *testing.T, b *bytes.Buffer) *html.Node {
	t.Helper()
	root, err := html.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return root
}
