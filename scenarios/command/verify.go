// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
)

// maxNamed is how many files `rspthreat verify` names of each kind; a whole directory may be gone.
const maxNamed = 50

func newVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify DIR",
		Short: "Tell whether a report is whole: no file missing, changed or added",
		Long: "Compare every file of a report with its SHA-256 in " + reports.ManifestFile + ". The last line names the SHA-256 of the\n" +
			"manifest itself: send it by another way, and the receiver knows that nobody wrote a new manifest.\n\n" +
			"Exit codes: 0 whole, 1 not whole, 2 not a report, 3 a file cannot be read.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return verify(c, args[0]) },
	}
}

func verify(c *cobra.Command, dir string) error {
	v, err := reports.Verify(dir)
	switch {
	case errors.Is(err, reports.ErrManifest):
		return &exitError{reports.ExitViolations, err}
	case errors.Is(err, reports.ErrNoManifest), errors.Is(err, fs.ErrNotExist):
		return usage(err)
	case err != nil:
		return &exitError{reports.ExitUnreachable, err}
	}
	var b strings.Builder
	for _, kind := range []struct {
		name  string
		files []string
	}{{"missing", v.Missing}, {"changed", v.Changed}, {"added", v.Added}} {
		for i, f := range kind.files {
			if i == maxNamed {
				fmt.Fprintf(&b, "%-8s %d more\n", kind.name, len(kind.files)-i)
				break
			}
			fmt.Fprintf(&b, "%-8s %s\n", kind.name, reports.Printable(f))
		}
	}
	state := "whole"
	if !v.Whole() {
		state = fmt.Sprintf("not whole: %d missing, %d changed, %d added", len(v.Missing), len(v.Changed), len(v.Added))
	}
	fmt.Fprintf(&b, "%s: %s (%d files; SHA-256 of the manifest %s)\n", reports.Printable(dir), state, v.Files, v.SHA256)
	if _, err := fmt.Fprint(c.OutOrStdout(), b.String()); err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	if !v.Whole() {
		return &exitError{code: reports.ExitViolations}
	}
	return nil
}
