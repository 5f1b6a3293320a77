// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

func newReport() *cobra.Command {
	c := &cobra.Command{
		Use: "report", Short: "Work with reports that are there", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newMerge())
	return c
}

func newMerge() *cobra.Command {
	var out, baseline string
	c := &cobra.Command{
		Use:   "merge DIR...",
		Short: "Join the reports of partial runs into one",
		Long: "Join the reports of partial runs on one system, such as the sections that an indexed job ran, into\n" +
			"one report with all their evidence. Each part must be whole (see verify) and of the same system,\n" +
			"configuration, document and version. What follows from other requirements is judged anew; what no\n" +
			"part judged makes the report a partial one.\n\n" +
			"Exit codes are those of run.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return merge(c, args, out, baseline) },
	}
	c.Flags().StringVarP(&out, "out", "o", defaultOut, "`directory` for the report")
	c.Flags().StringVar(&baseline, "baseline", "", "`file` of known failures")
	return c
}

func merge(c *cobra.Command, dirs []string, out, baseline string) error {
	if err := apart(dirs, out); err != nil {
		return usage(err)
	}
	for _, dir := range dirs {
		v, err := reports.Verify(dir)
		if err != nil {
			return usage(err)
		}
		if !v.Whole() {
			return usage(fmt.Errorf("%s is not whole: `rspthreat verify %s` tells what is wrong", dir, dir))
		}
	}
	parts, err := load(dirs)
	if err != nil {
		return err
	}
	whole, renamed, err := reports.Merge(parts)
	if err != nil {
		return usage(err)
	}
	requirements, err := ledger.Load()
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	if whole.Ledger.Document != requirements.Document || whole.Ledger.Version != requirements.Version {
		return usage(fmt.Errorf("the parts were judged by %s, ledger %s; this version has %s, ledger %s",
			whole.Ledger.Document, whole.Ledger.Version, requirements.Document, requirements.Version))
	}
	finish(whole, requirements)
	known, err := readBaseline(baseline, requirements)
	if err != nil {
		return usage(err)
	}
	if broken := applyBaseline(whole, known); broken != nil {
		fmt.Fprintln(c.ErrOrStderr(), "rspthreat:", broken)
	}
	writer, err := reports.NewWriter(out)
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	for i, dir := range dirs {
		if err := writer.Adopt(dir, renamed[i], whole.Checks, parts[i].Findings); err != nil {
			return &exitError{reports.ExitUnreachable, err}
		}
	}
	return publish(c, writer, whole, out)
}

// apart refuses to write into a part: its evidence would be removed before it is read.
func apart(dirs []string, out string) error {
	target, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		part, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		if part == target {
			return fmt.Errorf("%s is a part and the place for the whole: choose another --out", dir)
		}
	}
	return nil
}

// finish puts the results in the order of the ledger, judges anew what follows from others, and tells whether that is all.
func finish(whole *reports.Results, l *ledger.Ledger) {
	e := &engine.Engine{Ledger: l, Command: whole.Command}
	found := make(map[string]reports.Result, len(whole.Results))
	for _, r := range whole.Results {
		found[r.ID] = r
	}
	var ordered []reports.Result
	whole.Complete = whole.Interrupted == ""
	for _, req := range l.Requirements {
		for _, role := range req.Roles {
			id := ledger.ResultID(req.ID, role)
			r, ok := found[id]
			if len(req.From[role]) > 0 {
				derived := e.Derive(req, role, whole.Results)
				if derived.Verdict.Judged() || !ok {
					r, ok = derived, true
				}
			}
			if !ok {
				whole.Complete = false
				continue
			}
			delete(found, id)
			ordered = append(ordered, r)
		}
	}
	for _, r := range whole.Results { // of another kind than this version knows
		if _, left := found[r.ID]; left {
			ordered = append(ordered, r)
		}
	}
	whole.Results = ordered
	whole.ExitCode = engine.ExitCode(whole)
}

// publish writes the reports and the summary, and turns the outcome into an exit code.
func publish(c *cobra.Command, writer *reports.Writer, results *reports.Results, out string) error {
	if err := writer.Finish(results); err != nil {
		return &exitError{reports.ExitUnreachable, fmt.Errorf("reports: %w", err)}
	}
	var b strings.Builder
	err := errors.Join(reports.Summary(&b, results, out), appendJobSummary(func(w io.Writer) error { return reports.Markdown(w, results) }))
	if _, printErr := fmt.Fprint(c.OutOrStdout(), b.String()); err == nil {
		err = printErr
	}
	if err != nil {
		return &exitError{reports.ExitUnreachable, fmt.Errorf("summary: %w", err)}
	}
	if results.ExitCode != reports.ExitConforms {
		return &exitError{code: results.ExitCode}
	}
	return nil
}
