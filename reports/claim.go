// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// ClaimLacks returns what a claim of conformance cannot do without and the results do not have.
// A claim is somebody's, about a version of something, with a way to ask and to repeat it.
func ClaimLacks(r *Results) []string {
	var lacks []string
	for _, field := range []struct{ name, value string }{
		{"claim.organisation", r.Subject.Organisation},
		{"claim.product", r.Subject.Product},
		{"claim.version", r.Subject.Version},
		{"claim.contact", r.Subject.Contact},
		{"the command that repeats the run", r.Command},
		{"the version of the requirements", r.Ledger.Version},
	} {
		if field.value == "" {
			lacks = append(lacks, field.name)
		}
	}
	return lacks
}

// Claim writes what a run lets its subject claim, as Markdown. It is complete when nothing was
// left out by selection and nothing is missing; otherwise it says that it is partial, and why.
func Claim(w io.Writer, results *Results) error {
	r := clean(results)
	var b strings.Builder
	counts := Counts(r.Results)
	kind, why := "Complete", ""
	switch {
	case r.Interrupted != "":
		kind, why = "Partial", "the run ended early: "+r.Interrupted
	case !r.Complete:
		kind, why = "Partial", "only a selection was judged"
	case counts[Inconclusive]+counts[HarnessError] > 0:
		kind, why = "Partial", fmt.Sprintf("%d verdicts are missing", counts[Inconclusive]+counts[HarnessError])
	}
	fmt.Fprintf(&b, "# %s %s: %s\n\n", md(r.Subject.Product), md(r.Subject.Version), md(r.Ledger.Document))
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, md(value))
		}
	}
	b.WriteString("| | |\n|---|---|\n")
	line("organisation", r.Subject.Organisation)
	line("product", r.Subject.Product)
	line("version", r.Subject.Version)
	line("contact", r.Subject.Contact)
	line("security", r.Subject.Security)
	line("rung", fmt.Sprint(r.Subject.Rung))
	line("requirements", fmt.Sprintf("%s, ledger %s, %d requirements", r.Ledger.Document, r.Ledger.Version, r.Ledger.Requirements))
	line("judged by", strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Tool.Name, r.Tool.Version, r.Tool.Commit)))
	if !r.Started.IsZero() {
		line("on", r.Started.UTC().Format(time.RFC3339))
	}
	line("repeat with", r.Command)
	fmt.Fprintf(&b, "\n%s claim", kind)
	if why != "" {
		fmt.Fprintf(&b, " (%s)", md(why))
	}
	b.WriteString(". ")
	known := 0
	for i := range r.Results {
		if r.Results[i].Accepts() {
			known++
		}
	}
	switch failed := counts[Fail]; {
	case failed > 0:
		fmt.Fprintf(&b, "**%s not met**, of which %d are known.\n", plural(failed, "binding requirement"), known)
	case counts[Pass]+counts[Warn] == 0:
		b.WriteString("Nothing was judged.\n")
	default:
		b.WriteString("Every binding requirement that was judged is met.\n")
	}
	b.WriteString("\n| verdict | results |\n|---|---|\n")
	for _, v := range Verdicts() {
		if counts[v] > 0 {
			fmt.Fprintf(&b, "| %s | %d |\n", v, counts[v])
		}
	}
	claimList(&b, r, "Not met", Fail, Warn)
	claimList(&b, r, "Not supported, by the system's own word", Unsupported)
	claimList(&b, r, "Not judged for want of a verdict", Inconclusive, HarnessError)
	_, err := io.WriteString(w, b.String())
	return err
}

func claimList(b *strings.Builder, r *Results, title string, verdicts ...Verdict) {
	begun := false
	for _, v := range verdicts {
		for i := range r.Results {
			if r.Results[i].Verdict != v {
				continue
			}
			if !begun {
				fmt.Fprintf(b, "\n## %s\n\n", title)
				begun = true
			}
			fmt.Fprintf(b, "- %s (%s): %s\n", md(r.Results[i].ID), v, md(bound(r.Results[i].Reason, maxSummaryText)))
		}
	}
}
