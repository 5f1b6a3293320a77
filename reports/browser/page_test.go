// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// openSpecimen opens the page of a run that holds everything.
func openSpecimen(t *testing.T, width, height int64, before ...action) *tab {
	t.Helper()
	_, page := write(t, specimen(t, 400))
	b := open(t, page, width, height, before...)
	t.Cleanup(func() { b.clean(t) })
	return b
}

// click clicks the middle of the first element that matches and is in sight, as a mouse would.
func (b *tab) click(t testing.TB, selector string) {
	t.Helper()
	at := eval[[]float64](t, b, `(async () => {
		const element = [...document.querySelectorAll("`+strings.ReplaceAll(selector, `"`, `\"`)+`")].find((e) => e.checkVisibility());
		if (!element) return [];
		let last;
		for (let same = 0; same < 3;) { // what comes into sight on the way there may still grow
			element.scrollIntoView({ block: "center" });
			await new Promise((done) => requestAnimationFrame(done));
			const { left, top, width, height } = element.getBoundingClientRect();
			const now = [left + width / 2, top + height / 2].join();
			same = now === last ? same + 1 : 0;
			last = now;
		}
		return last.split(",").map(Number);
	})()`)
	if len(at) != 2 {
		t.Fatalf("nothing to click at: %s", selector)
	}
	b.do(t, chromedp.MouseClickXY(at[0], at[1]))
	b.run(t, "")
}

// Keys that type nothing.
const (
	escape, enter         = "Escape", "Enter"
	arrowLeft, arrowRight = "ArrowLeft", "ArrowRight"
)

// press presses one of the keys above, or each key of a text. A page may refuse what a key would type, as it may with a keyboard.
func (b *tab) press(t testing.TB, keys string) {
	t.Helper()
	if code := map[string]int64{escape: 27, enter: 13, arrowLeft: 37, arrowRight: 39}[keys]; code != 0 {
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: keys, Code: keys, WindowsVirtualKeyCode: code}
		if keys == enter {
			p.Text = "\r"
		}
		up := p
		up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
		b.do(t, command(input.DispatchKeyEvent, p), command(input.DispatchKeyEvent, up))
		return
	}
	for _, r := range keys {
		p := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: string(r), Text: string(r)}
		up := p
		up.Type, up.Text = input.DispatchKeyEventTypeKeyUp, ""
		b.do(t, command(input.DispatchKeyEvent, p), command(input.DispatchKeyEvent, up))
	}
}

func is[T comparable](t testing.TB, b *tab, what, js string, want T) {
	t.Helper()
	if got := eval[T](t, b, js); got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestEveryLinkLeadsSomewhere: within the page to what is in sight then, else to a file of the report.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	b := openSpecimen(t, 1440, 900)
	is(t, b, "links to nothing", `[...document.querySelectorAll("a[href^='#']")].map((a) => decodeURIComponent(a.getAttribute("href").slice(1))).filter((id) => !document.getElementById(id)).join()`, "")
	is(t, b, "links that stay out of sight", `(() => {
		const bad = [];
		for (const href of new Set([...document.querySelectorAll("a[href^='#']:not(.arrow)")].map((a) => a.getAttribute("href")))) {
			location.hash = href;
			dispatchEvent(new HashChangeEvent("hashchange"));
			const target = document.getElementById(decodeURIComponent(href.slice(1)));
			if (!target.checkVisibility()) bad.push(href);
		}
		return bad.join();
	})()`, "")
}

func TestFiltersShowWhatMatches(t *testing.T) {
	b := openSpecimen(t, 1440, 900)
	const shown = `[...document.querySelectorAll("table.results tbody tr")].filter((r) => r.checkVisibility()).length`
	all := eval[int](t, b, shown)
	if all < 100 {
		t.Fatalf("%d rows", all)
	}
	rows := func(what, js string) {
		t.Helper()
		is(t, b, what, shown, eval[int](t, b, js))
	}
	count := func(test string) string {
		return `[...document.querySelectorAll("table.results tbody tr")].filter((r) => ` + test + `).length`
	}
	// Every verdict but one, one after the other.
	for _, v := range []string{"pass", "warn", "fail", "inconclusive", "harness-error", "not-applicable", "unsupported"} {
		b.click(t, `#filter [value="`+v+`"]`)
		rows("without "+v, count(`r.dataset.verdict !== "`+v+`"`))
		b.click(t, `#filter [value="`+v+`"]`)
	}
	for role := range roles {
		b.click(t, `#filter [value="`+role+`"]`)
		rows("without "+role, count(`r.dataset.role !== "`+role+`"`))
		b.click(t, `#filter [value="`+role+`"]`)
	}
	b.do(t, chromedp.SetValue(chromedp.CSS(`#filter [name=level]`), "SHOULD"))
	b.run(t, `document.querySelector("#filter [name=level]").dispatchEvent(new Event("input", {bubbles: true}))`)
	rows("level", count(`r.dataset.level === "SHOULD"`))
	b.click(t, "#filter .reset")
	rows("reset", count("true"))
	b.do(t, chromedp.SetValue(chromedp.CSS(`#filter [name=section]`), "2.3"))
	b.run(t, `document.querySelector("#filter [name=section]").dispatchEvent(new Event("input", {bubbles: true}))`)
	is(t, b, "threats in sight", `[...document.querySelectorAll(".threat")].filter((s) => s.checkVisibility()).map((s) => s.id).join()`, "threat-2.3")
	is(t, b, "contents in sight", `[...document.querySelectorAll(".contents [data-section]")].filter((s) => s.checkVisibility()).map((s) => s.dataset.section).join()`, "2.3")
	// A link to what the filter hides shows it.
	b.click(t, `#matrix a[href="#threat-2.8"]`)
	is(t, b, "hidden threat", `document.getElementById("threat-2.8").checkVisibility()`, true)
	rows("after a link", count("true"))
}

func TestSearchAndKeys(t *testing.T) {
	b := openSpecimen(t, 1440, 900)
	b.press(t, "/")
	is(t, b, "focus after /", `document.activeElement.name`, "text")
	b.press(t, "t2.8-r1 nonsense")
	is(t, b, "message when nothing matches", `document.querySelector("#nothing").checkVisibility()`, true)
	b.click(t, "#nothing .reset")
	is(t, b, "message after reset", `document.querySelector("#nothing").checkVisibility()`, false)
	b.press(t, "/")
	b.press(t, "T2.8-R1")
	is(t, b, "requirements found", `[...new Set([...document.querySelectorAll("table.results tbody tr")].filter((r) => !r.hidden).map((r) => r.querySelector("th").firstChild.textContent))].join()`, "T2.8-R1")
	b.press(t, escape)
	b.press(t, "r")
	b.press(t, "n")
	first := eval[string](t, b, `document.activeElement.dataset.verdict`)
	b.press(t, "n")
	second := eval[string](t, b, `document.activeElement.id`)
	b.press(t, "p")
	if first == "" || first == "pass" || eval[string](t, b, `document.activeElement.id`) == second {
		t.Errorf("n and p do not go to what needs attention: %q, %q", first, second)
	}
	b.press(t, "j")
	b.press(t, "j")
	is(t, b, "focus after j", `document.activeElement.className`, "threat")
	b.press(t, "t")
	b.press(t, "t")
	is(t, b, "theme", `document.documentElement.dataset.theme`, "dark")
	is(t, b, "background", `getComputedStyle(document.body).backgroundColor`, "rgb(18, 21, 25)")
	b.press(t, "o")
	is(t, b, "folded checks", `document.querySelectorAll("details.check:not([open])").length`, 0)
	b.press(t, "?")
	is(t, b, "help", `document.querySelector("#keys").open`, true)
	b.press(t, escape)
	is(t, b, "help after Escape", `document.querySelector("#keys").open`, false)
}

// TestEachArrowOpensItsMessageBesideItsBytes: and nothing of a message is shown that is not its own.
func TestEachArrowOpensItsMessageBesideItsBytes(t *testing.T) {
	b := openSpecimen(t, 1440, 900)
	is(t, b, "arrows that do not open their message", `(() => {
		const bad = [];
		for (const check of document.querySelectorAll("details.check")) {
			check.open = true;
			const data = JSON.parse(check.querySelector("script.messages").textContent);
			const arrows = check.querySelectorAll("a.arrow");
			if (arrows.length !== data.length) bad.push(check.id + ": " + arrows.length + " arrows");
			arrows.forEach((arrow, i) => {
				arrow.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
				const panel = document.querySelector("#message");
				const hex = [...panel.querySelectorAll(".bytes div")].map((d) => [...d.querySelectorAll("[data-at]")].map((s) => s.textContent)).map((row) => row.slice(0, row.length / 2)).flat().join("");
				if (!panel.open || !panel.querySelector("h2").textContent.startsWith(data[i].name) || hex !== data[i].hex) bad.push(check.id + " " + i);
				panel.close();
			});
		}
		return bad.slice(0, 5).join("; ");
	})()`, "")
	// With the mouse: a field lights up its bytes, a byte its field.
	b.click(t, "details.check[open] a.arrow text.name")
	is(t, b, "title", `document.querySelector("#message-title").textContent.startsWith("ASAP_REGISTRATION (1 of ")`, true)
	const lit = `[...document.querySelectorAll("#message .bytes .lit")].map((s) => s.textContent).join("")`
	b.click(t, "#message .fields li:nth-child(6) button")
	is(t, b, "bytes of the PE identifier", lit, "12345678·4Vx")
	b.click(t, `#message .bytes [data-at="41"]`)
	is(t, b, "field of byte 41", `document.querySelector("#message .field.lit").textContent`, "IPv4 address10.0.0.1")
	b.press(t, arrowRight)
	is(t, b, "after the right arrow key", `document.querySelector("#message-title").textContent.includes("(2 of ")`, true)
	b.press(t, arrowLeft)
	is(t, b, "after the left arrow key", `document.querySelector("#message-title").textContent.includes("(1 of ")`, true)
	b.press(t, escape)
	is(t, b, "closed", `document.querySelector("#message").open`, false)
	// With the keyboard alone.
	is(t, b, "focus goes back", `document.activeElement.dataset.message`, "0")
	b.press(t, enter)
	is(t, b, "opened by Enter", `document.querySelector("#message").open`, true)
}

func TestPlotsShowCurvesAndLimits(t *testing.T) {
	b := openSpecimen(t, 1440, 900)
	b.press(t, "o")
	is(t, b, "plots without a size, a curve or a limit", `[...document.querySelectorAll(".plot")].filter((p) => {
		const svg = p.querySelector("svg"), box = svg.getBoundingClientRect(), limit = p.querySelector("line.limit");
		const inside = [...p.querySelectorAll("polyline")].every((l) => { const r = l.getBoundingClientRect(); return r.width > 20 && r.top >= box.top - 2 && r.bottom <= box.bottom + 2 && r.right <= box.right + 2; });
		return box.width < 100 || !limit || p.querySelectorAll("polyline").length !== 2 || !inside || getComputedStyle(limit).strokeDasharray === "none";
	}).length`, 0)
	is(t, b, "plots", `document.querySelectorAll(".plot").length > 5`, true)
}
