// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

func newList() *cobra.Command {
	var faults bool
	c := &cobra.Command{
		Use: "list", Short: "List the requirements, or the faults of the reference", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if faults {
				return listFaults(c)
			}
			return listRequirements(c)
		},
	}
	c.Flags().BoolVar(&faults, "faults", false, "list the faults instead")
	return c
}

func listFaults(c *cobra.Command) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, f := range sut.Faults() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.Name, f.Role, strings.Join(f.Requirements, ","), f.Description)
	}
	return w.Flush()
}

func listRequirements(c *cobra.Command) error {
	l, err := ledger.Load()
	if err != nil {
		return err
	}
	checks := scenarios.Checks()
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, r := range l.Requirements {
		var judged []string
		for _, role := range r.Roles {
			if len(r.From[role]) > 0 || slices.ContainsFunc(checks, func(c engine.Check) bool {
				return string(c.Role) == role && slices.Contains(c.Requirements, r.ID)
			}) {
				judged = append(judged, role)
			}
		}
		if judged == nil {
			judged = []string{"-"}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.ID, r.Level, strings.Join(judged, ","), r.Gist)
	}
	return w.Flush()
}

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use: "explain ID", Short: "Explain a requirement: what it says, and how it is judged", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := ledger.Load()
			if err != nil {
				return err
			}
			r, err := l.Find(args[0])
			if err != nil {
				return usage(err)
			}
			return explain(c, l, r)
		},
	}
}

func explain(c *cobra.Command, l *ledger.Ledger, r ledger.Requirement) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n\n  %s\n\n", r.ID, r.Level, r.Gist)
	fmt.Fprintf(&b, "section     %s, %s (%s)\n", r.Section, l.Sections[r.Section], l.Document)
	fmt.Fprintf(&b, "binds       %s\n", strings.Join(r.Binds, ", "))
	fmt.Fprintf(&b, "observable  %s\n", r.Observable)
	if r.Note != "" {
		fmt.Fprintf(&b, "note        %s\n", r.Note)
	}
	for _, role := range r.Roles {
		if from := r.From[role]; len(from) > 0 {
			fmt.Fprintf(&b, "follows     on the %s, from %s\n", sut.Role(role), strings.Join(from, ", "))
		}
		if why := r.Unchecked[role]; why != "" {
			fmt.Fprintf(&b, "unchecked   on the %s: %s\n", sut.Role(role), why)
		}
	}
	for _, check := range scenarios.Checks() {
		if slices.Contains(check.Requirements, r.ID) {
			explainCheck(&b, check)
		}
	}
	for _, role := range r.Roles {
		if faults := sut.FaultsFor(r.ID, sut.Role(role)); len(faults) > 0 {
			fmt.Fprintf(&b, "\nfaults that must make it fail on the %s: %s\n", sut.Role(role), strings.Join(faults, ", "))
			fmt.Fprintf(&b, "see one do it: rspthreat run --requirement %s --fault %s\n", r.ID, faults[0])
		}
	}
	_, err := fmt.Fprint(c.OutOrStdout(), b.String())
	return err
}

func explainCheck(b *strings.Builder, check engine.Check) {
	fmt.Fprintf(b, "\ncheck %s (%s, rung %d)\n", check.ID, check.Role, check.Rung)
	fmt.Fprintf(b, "  %s\n", check.Title)
	fmt.Fprintf(b, "  attacker      %s\n", check.Threat.Attacker)
	fmt.Fprintf(b, "  precondition  %s\n", check.Threat.Precondition)
	fmt.Fprintf(b, "  effect        %s\n", check.Threat.Effect)
	fmt.Fprintf(b, "  judges also   %s\n", strings.Join(check.Requirements, ", "))
}
