// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"os"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// BenchmarkTenThousandMessages tells how long a reader waits on the page of a run with ten thousand messages: until the
// first and the last of it is there, for a filter, for all checks to unfold, and for a message in a check that nobody
// looked at before. Milliseconds, in Chromium; bytes are those of the page.
func BenchmarkTenThousandMessages(b *testing.B) {
	r := specimen(b, 10_000)
	total := 0
	for i := range r.Checks {
		total += len(r.Checks[i].Messages)
	}
	dir, page := write(b, r)
	info, err := os.Stat(dir + "/" + reports.HTMLFile)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		t := open(b, page, 1440, 900)
		b.ReportMetric(float64(total), "messages")
		b.ReportMetric(float64(info.Size()), "page-bytes")
		for unit, js := range map[string]string{
			"ms-first-paint": `new Promise((done) => new PerformanceObserver((l) => done(l.getEntriesByName("first-contentful-paint")[0].startTime)).observe({ type: "paint", buffered: true }))`,
			"ms-loaded":      `performance.getEntriesByType("navigation")[0].loadEventEnd`,
		} {
			b.ReportMetric(eval[float64](b, t, js), unit)
		}
		for unit, js := range map[string]string{
			"ms-search":  `document.querySelector("#filter [name=text]").value = "replay"; filter();`,
			"ms-message": `reset(); const c = [...document.querySelectorAll("details.check")].at(-1); c.open = true; openMessage(c, 5);`,
		} {
			b.ReportMetric(eval[float64](b, t, timed(js)), unit)
		}
		b.ReportMetric(eval[float64](b, t, timed(`document.querySelector("#message").close(); unfold();`)), "ms-unfold-all")
		b.ReportMetric(eval[float64](b, t, timed(`scrollTo(0, document.body.scrollHeight / 2);`)), "ms-scroll-to-middle")
		t.clean(b)
	}
}

// timed measures statements until what they changed is drawn.
func timed(js string) string {
	return strings.ReplaceAll(`(async () => {
		const begin = performance.now();
		JS
		await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
		return performance.now() - begin;
	})()`, "JS", js)
}

// TestTenThousandMessagesStayUsable holds that the page is made so that a browser need not lay out what nobody looks at:
// decoded messages are data, and no diagram is longer than a hundred messages. How fast it is, the benchmark tells.
func TestTenThousandMessagesStayUsable(t *testing.T) {
	r := specimen(t, 10_000)
	_, page := write(t, r)
	b := open(t, page, 1440, 900)
	is(t, b, "arrows", `document.querySelectorAll("a.arrow").length >= 9900`, true)
	is(t, b, "arrows of the longest diagram", `Math.max(...[...document.querySelectorAll(".ladder svg")].map((s) => s.querySelectorAll("a.arrow").length))`, 100)
	is(t, b, "at most ten elements for each message", `document.querySelectorAll("*").length <= 10 * document.querySelectorAll("a.arrow").length`, true)
	is(t, b, "decoded messages laid out", `document.querySelectorAll(".field").length`, 0)
	b.run(t, `location.hash = [...document.querySelectorAll("details.check")].at(-1).id`)
	b.click(t, "details.check:target a.arrow text.name")
	is(t, b, "a message of the last check", `document.querySelector("#message").open`, true)
	b.clean(t)
}
