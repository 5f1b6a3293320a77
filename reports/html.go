// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// maxHexShown is how much of a message the page shows, in hex digits; results.json and the capture hold the rest.
const maxHexShown = 4096

// writeHTML writes clean results as one page that needs nothing else and asks no other host for anything. The evidence is
// that of dir, where the page will be; it goes into the page as far as there is room. An empty dir has none.
func writeHTML(w io.Writer, r *Results, dir string) error {
	return writePage(w, "page.html.tmpl", newViewOf(r, dir))
}

// writePage writes a page from the named template, with the style and, for that of a run, the script.
func writePage(w io.Writer, name string, view any) error {
	css, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return fmt.Errorf("page style: %w", err)
	}
	js, err := pageFiles.ReadFile("page/page.js")
	if err != nil {
		return fmt.Errorf("page script: %w", err)
	}
	t, err := template.New(name).Funcs(pageFunctions).ParseFS(pageFiles, "page/*.html.tmpl")
	if err != nil {
		return fmt.Errorf("page template: %w", err)
	}
	title := "rspthreat"
	if v, ok := view.(interface{ PageTitle() string }); ok {
		title = v.PageTitle()
	}
	// Only our own style and script may act: should markup of a hostile system ever get through, it stays dead.
	return t.ExecuteTemplate(w, name, map[string]any{
		"Policy": "default-src 'none'; style-src " + sourceHash(css) + "; script-src " + sourceHash(js),
		"CSS":    template.CSS(css),
		"JS":     template.JS(js),
		"Title":  title,
		"View":   view,
	})
}

// sourceHash names an inline style or script in a content security policy.
func sourceHash(source []byte) string {
	sum := sha256.Sum256(source)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var pageFunctions = template.FuncMap{
	"mark":     verdictMark,
	"duration": shortDuration,
	"hex":      groupHex,
	"utc":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"commands": captureCommands,
	"plural":   plural,
	"role":     roleName,
	"rolekey":  roleKey,
	"severity": severityTone,
	"file":     fileLink,
	"base":     path.Base,
	"plus":     func(a, b int) int { return a + b },
}

// severityTone is how the severity of a finding looks: with the sign and the colour of a verdict.
func severityTone(s string) Verdict {
	switch s {
	case SeverityHigh:
		return Fail
	case SeverityMedium:
		return Warn
	default:
		return Unsupported
	}
}

// verdictMark is a sign that, beside the word and the colour, tells verdicts apart.
func verdictMark(v Verdict) string {
	switch v {
	case Pass:
		return "✓"
	case Warn:
		return "!"
	case Fail:
		return "✗"
	case Inconclusive:
		return "?"
	case HarnessError:
		return "‼"
	case NotApplicable:
		return "–"
	default:
		return "○"
	}
}

// shortDuration leaves three or four digits.
func shortDuration(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	default:
		return d.Round(time.Microsecond).String()
	}
}

// groupHex sets hex digits in groups of four bytes and says what is missing.
func groupHex(h string) string {
	rest := 0
	if len(h) > maxHexShown {
		rest = (len(h) - maxHexShown) / 2
		h = h[:maxHexShown]
	}
	var b strings.Builder
	for len(h) > 8 {
		b.WriteString(h[:8])
		b.WriteByte(' ')
		h = h[8:]
	}
	b.WriteString(h)
	if rest > 0 {
		fmt.Fprintf(&b, " [%d bytes more]", rest)
	}
	return b.String()
}

// plural puts a count before a noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
