// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	nethtml "golang.org/x/net/html"
)

func markdownOf(t *testing.T, r *Results) string {
	t.Helper()
	var b bytes.Buffer
	if err := Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// rendered renders GitHub flavoured Markdown with an implementation of CommonMark; tags in it become elements.
func rendered(t *testing.T, source string) *nethtml.Node {
	t.Helper()
	var b bytes.Buffer
	m := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := m.Convert([]byte(source), &b); err != nil {
		t.Fatal(err)
	}
	root, err := nethtml.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestMarkdownHoldsEveryVerdict(t *testing.T) {
	got := text(rendered(t, markdownOf(t, everyVerdict(t))))
	for _, want := range []string{
		"✗ Does not conform: Example registrar", "complete run · exit code 1",
		"✓ pass ! warn ✗ fail ? inconclusive ‼ harness-error – not-applicable ○ unsupported 1 1 1 1 1 1 1",
		"✗ fail T2.1-R1 registrar no create or update of state before the PE is authenticated a registration in clear",
		"was accepted, no longer (until 2026-01-31): hard to mend", "! warn T2.2-R5", "? inconclusive T2.10-R1", "‼ harness-error T2.11-R1",
		"high Pool element of length 4 ends the registrar RFC 5354 section 3.9", "rspthreat fuzz replay findings/crash-1f3a9c02/input.bin",
		"2.1 PE registration/deregistration flooding: non-existent PE ✓ 1 ✗ 1 – 1", "Repeat the run: rspthreat run --config registrar.yaml --report out",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// What a hostile system says is text in it: no element, link or picture of its own, and no broken table.
func TestMarkdownStaysOursWhateverTheSystemSays(t *testing.T) {
	r := hostile(t)
	evil := "`|</td></table> ![p](https://evil.example/p.png) [l](javascript:alert(1)) https://evil.example www.evil.example a@evil.example <https://evil.example> @team ``` ~~~ **b** $x$ | --- |"
	for i := range r.Results {
		r.Results[i].Reason = evil
	}
	r.Findings[0].Title, r.Findings[0].Replay, r.Subject.Name, r.Command = evil, evil, evil, evil
	source := markdownOf(t, r)
	if len(source) > 1<<20 {
		t.Errorf("%d bytes: more than a job summary takes", len(source))
	}
	plain, interrupted := map[string]bool{}, everyVerdict(t)
	interrupted.Interrupted = "Ctrl-C"
	for _, n := range elements(rendered(t, markdownOf(t, interrupted))) {
		plain[n.Data] = true
	}
	root := rendered(t, source)
	for _, n := range elements(root) {
		if !plain[n.Data] || n.Data == "a" {
			t.Errorf("element <%s> in %q", n.Data, text(n.Parent))
		}
	}
	for _, table := range elementsNamed(root, "table") {
		cells := len(elementsNamed(elementsNamed(table, "tr")[0], "th"))
		for _, row := range elementsNamed(table, "tr")[1:] {
			if n := len(elementsNamed(row, "td")); n != cells {
				t.Errorf("row with %d of %d cells: %q", n, cells, text(row))
			}
		}
	}
	if !strings.Contains(text(root), "![p](https://evil.example/p.png)") {
		t.Error("what the system said is hidden")
	}
}

func elementsNamed(root *nethtml.Node, name string) (out []*nethtml.Node) {
	for _, n := range elements(root) {
		if n.Data == name {
			out = append(out, n)
		}
	}
	return out
}
