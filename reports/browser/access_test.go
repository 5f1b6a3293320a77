// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"github.com/rspthreat/rspthreat/reports"
)

// axeFile is where .ci/install puts axe-core.
const axeFile = "../../.cache/axe-core/node_modules/axe-core/axe.min.js"

// axe judges the accessibility of a part of the page as it is now: WCAG 2.2 up to AA, and what axe calls best practice.
func (b *tab) axe(t testing.TB, what, part string) {
	t.Helper()
	source, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatalf("axe-core is needed (.ci/install): %v", err)
	}
	b.do(t, evaluate(string(source)))
	for _, v := range eval[[]string](t, b, `axe.run("`+part+`", { resultTypes: ["violations"], preload: false }).then((r) => r.violations.map((v) =>
		v.id + " (" + v.impact + "): " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " " + (n.any[0]?.message ?? "")).join(" | ")))`) {
		t.Errorf("%s: %s", what, v)
	}
}

// scheme makes the browser prefer light or dark colours.
func scheme(name string) action {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func media(name string) action {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name})
}

// sizes are the smallest and the largest screen that the page is made for, and one in between.
var sizes = []struct {
	name          string
	width, height int64
}{{"phone", 400, 800}, {"laptop", 1440, 900}, {"4K", 3840, 2160}}

// keep keeps the first checks: what holds for some holds for all, and axe looks at each element.
func keep(r *reports.Results, checks int) {
	for i := range r.Results {
		if slices.ContainsFunc(r.Checks[checks:], func(c reports.Check) bool { return c.ID == r.Results[i].Check }) {
			r.Results[i].Check = ""
		}
	}
	r.Checks = r.Checks[:checks]
}

func TestPageIsAccessibleLightAndDark(t *testing.T) {
	for _, size := range sizes {
		for _, colours := range []string{"light", "dark"} {
			t.Run(size.name+" "+colours, func(t *testing.T) {
				r := specimen(t, 100)
				keep(r, 8)
				_, page := write(t, r)
				b := open(t, page, size.width, size.height, scheme(colours))
				b.run(t, `document.querySelectorAll("details").forEach((d) => { d.open = true })`)
				b.axe(t, "page", "html")
				b.click(t, "details.check[open] a.arrow text.name")
				b.axe(t, "message", "#message")
				b.clean(t)
			})
		}
	}
}

// TestPageFitsEveryScreen: nothing makes the page itself scroll sideways, and text stays readable.
func TestPageFitsEveryScreen(t *testing.T) {
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			b := openSpecimen(t, size.width, size.height)
			b.run(t, `document.querySelectorAll("details").forEach((d) => { d.open = true })`)
			is(t, b, "width beyond the screen", `Math.max(0, document.documentElement.scrollWidth - innerWidth)`, 0)
			is(t, b, "text smaller than 10 px", `[...document.querySelectorAll("main p, main td, main th, main dd, nav a")].filter((e) => parseFloat(getComputedStyle(e).fontSize) < 10).length`, 0)
			is(t, b, "what sticks out of the screen", `[...document.querySelectorAll("main *")].filter((e) => {
				const r = e.getBoundingClientRect();
				return r.width > 0 && r.right > innerWidth + 1 && !e.closest(".scroll, pre, svg, .hidden");
			}).map((e) => e.tagName + "." + e.className).slice(0, 5).join()`, "")
		})
	}
}

func TestComparisonsAreAccessible(t *testing.T) {
	a, c := specimen(t, 200), specimen(t, 200)
	for i := range c.Results {
		if i%7 == 0 {
			c.Results[i].Verdict = reports.Fail
		}
	}
	c.Results, c.Subject.Name = c.Results[4:], "Another registrar"
	for name, write := range map[string]func(*bytes.Buffer) error{
		"diff":   func(b *bytes.Buffer) error { return reports.Compare(a, c).HTML(b) },
		"matrix": func(b *bytes.Buffer) error { return reports.SideBySide(a, c, a).HTML(b) },
	} {
		var page bytes.Buffer
		if err := write(&page); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(path, page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, size := range sizes {
			t.Run(name+" "+size.name, func(t *testing.T) {
				b := open(t, "file://"+path, size.width, size.height)
				b.axe(t, name, "html")
				is(t, b, "width beyond the screen", `Math.max(0, document.documentElement.scrollWidth - innerWidth)`, 0)
				b.clean(t)
			})
		}
	}
}

// TestPrintShowsWhatAReviewerNeeds: paper cannot scroll, filter or unfold.
func TestPrintShowsWhatAReviewerNeeds(t *testing.T) {
	b := openSpecimen(t, 1440, 900, media("print"))
	for what, want := range map[string]bool{
		"header": true, "#run": true, "#matrix": true, "#attention": true, "#unjudged": true, ".threat table.results": true, ".attack-card": true,
		"details.check[open] .timeline": true, "details.check[open] .ladder svg": true, "#about": true,
		".contents": false, ".tools": false, "#filter": false, ".copy": false,
	} {
		is(t, b, what, fmt.Sprintf(`document.querySelector(%q).checkVisibility()`, what), want)
	}
	is(t, b, "background", `getComputedStyle(document.body).backgroundColor`, "rgb(255, 255, 255)")
	pdf := b.pdf(t)
	if !bytes.HasPrefix(pdf, []byte("%PDF")) || len(pdf) < 100_000 {
		t.Errorf("%d bytes of PDF", len(pdf))
	}
}

// TestPageSaysTheSameWithoutScript: but for filters and decoded messages, and it says so.
func TestPageSaysTheSameWithoutScript(t *testing.T) {
	_, page := write(t, specimen(t, 100))
	b := open(t, page, 1440, 900, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	for what, want := range map[string]bool{
		"#matrix": true, ".threat table.results": true, "details.check[open] .ladder svg": true, ".contents a": true, ".noscript": true,
		"#filter": false, ".tools": false, ".copy": false, "#nothing": false,
	} {
		is(t, b, what, fmt.Sprintf(`document.querySelector(%q).checkVisibility()`, what), want)
	}
	b.clean(t)
}

// TestHostileBytesStayText: whatever the system under test says, the page runs no script of its, asks nobody for
// anything, and still works.
func TestHostileBytesStayText(t *testing.T) {
	r := specimen(t, 400)
	const evil = `</script><script>window.pwned=1</script><img src=x onerror="window.pwned=2"><svg onload="window.pwned=3">{{.}}` + "`${window.pwned=4}`" +
		`"><a href="javascript:window.pwned=5">x</a>]]>--><style>*{display:none}</style>` + "\x00\x1b[2J\xff\xfe\u202e\u2028\ufeff"
	long := strings.Repeat(evil, 20_000)
	r.Subject.Name, r.Subject.Config, r.Interrupted, r.Command = evil, long, evil, evil
	for i := range r.Results {
		x := &r.Results[i]
		x.Reason, x.Gist, x.Certainty, x.Information = evil, evil, long, []string{evil}
		x.SectionTitle = evil
		if i%9 == 0 {
			x.Role, x.Level, x.Requirement = evil, evil, evil
		}
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Title, c.Threat.Attacker, c.Threat.Mitigation, c.Before, c.After, c.Log = evil, evil, long, []string{evil, long}, []string{evil + "x"}, []string{evil}
		c.Steps[0].Title, c.Steps[1].Outcome = evil, long
		for j := range c.Messages {
			m := &c.Messages[j]
			m.From, m.Name, m.Summary, m.Door = evil+fmt.Sprint(j%20), evil, long, evil
			m.Fields = []reports.Field{{Depth: 1 << 20, Name: evil, Value: long, At: -5, Length: 1 << 30}}
			m.Hex = "zz" + m.Hex
		}
		for j := range c.Plots {
			c.Plots[j].Title, c.Plots[j].Unit, c.Plots[j].Series[0].Name, c.Plots[j].Limits[0].Name = evil, evil, evil, long
		}
	}
	f := &r.Findings[0]
	f.Title, f.Explanation, f.Hex, f.Replay, f.Kind, f.Capture = evil, long, evil, evil, evil, "javascript:window.pwned=6"
	_, page := write(t, r)
	b := open(t, page, 1440, 900)
	b.run(t, `document.querySelectorAll("details").forEach((d) => { d.open = true })`)
	b.click(t, "details.check a.arrow text.name")
	is(t, b, "message", `document.querySelector("#message").open`, true)
	b.press(t, arrowRight)
	b.press(t, escape)
	b.press(t, "/")
	b.press(t, "pwned")
	is(t, b, "script of the system that ran", `String(window.pwned)`, "undefined")
	is(t, b, "elements of the system", `document.querySelectorAll("img, iframe, object, embed, a[href^='javascript:'], [onerror], [onload]").length`, 0)
	is(t, b, "styles", `document.querySelectorAll("style").length`, 1)
	is(t, b, "title in sight", `document.querySelector("h1").checkVisibility()`, true)
	is(t, b, "the system's text is shown", `document.querySelector("h1").textContent.includes("</script><script>window.pwned=1")`, true)
	is(t, b, "width beyond the screen", `Math.max(0, document.documentElement.scrollWidth - innerWidth)`, 0)
	b.clean(t)
}
