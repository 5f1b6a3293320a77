// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

// defaultBaseline is where known failures are kept.
const defaultBaseline = "rspthreat-known.yaml"

// unlooked is the reason of an entry that nobody has given one for.
const unlooked = "not looked at yet"

func newBaseline() *cobra.Command {
	var t reports.Template
	path := defaultBaseline
	c := &cobra.Command{
		Use:   "baseline [DIR]",
		Short: "Accept the failures of a run for a time, and keep the file that says so",
		Long: "Write or update the file of known failures from the reports of a run (default: " + defaultOut + "). What people\n" +
			"have written stays. With `rspthreat run --baseline FILE` known failures are judged all the same and do not\n" +
			"make the run fail; one that is met, fails in another way, is not judged any more or has expired does.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := defaultOut
			if len(args) > 0 {
				dir = args[0]
			}
			return updateBaseline(c, dir, path, t)
		},
	}
	flags := c.Flags()
	flags.StringVar(&path, "baseline", path, "`file` to write")
	flags.StringVar(&t.Reason, "reason", unlooked, "why new failures are accepted")
	flags.StringVar(&t.Link, "link", "", "where they are tracked")
	flags.StringVar(&t.Expires, "expires", "", "last `day` on which they are accepted, such as 2026-12-31")
	flags.BoolVar(&t.Warnings, "warnings", false, "accept a SHOULD that is not met as well")
	return c
}

func updateBaseline(c *cobra.Command, dir, path string, t reports.Template) error {
	if _, err := time.Parse(time.DateOnly, t.Expires); t.Expires != "" && err != nil {
		return usage(fmt.Errorf("--expires: %q is not a day like 2026-12-31", t.Expires))
	}
	if strings.TrimSpace(t.Reason) == "" {
		return usage(errors.New("--reason: is empty"))
	}
	parts, err := load([]string{dir})
	if err != nil {
		return err
	}
	b, err := reports.LoadBaseline(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = &reports.BaselineFile{}, nil
	}
	if err != nil {
		return usage(err)
	}
	changes := b.Update(parts[0], t, time.Now())
	if err := writeBaseline(b, path); err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	for _, change := range changes {
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", change.Result, change.What)
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", path, count(len(b.Known), "known failure", "known failures"))
	return err
}

// writeBaseline replaces the file at once or not at all.
func writeBaseline(b *reports.BaselineFile, path string) error {
	var text bytes.Buffer
	if err := b.Write(&text); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".baseline-*")
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	_, err = f.Write(text.Bytes())
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return fmt.Errorf("baseline: %w", err)
	}
	return nil
}

// applyBaseline holds results against the file at path, if there is one.
func applyBaseline(results *reports.Results, b *reports.BaselineFile) error {
	if b == nil {
		return nil
	}
	unmatched := b.Apply(results, time.Now())
	results.ExitCode = engine.ExitCode(results)
	if len(unmatched) == 0 {
		return nil
	}
	if results.ExitCode == reports.ExitConforms {
		results.ExitCode = reports.ExitViolations
	}
	return fmt.Errorf("the baseline has entries without a result: %s; `rspthreat baseline` takes them out", strings.Join(unmatched, ", "))
}

// readBaseline reads the file of known failures; nil without one. An entry for a requirement that
// there is not is a mistake in the file.
func readBaseline(path string, l *ledger.Ledger) (*reports.BaselineFile, error) {
	if path == "" {
		return nil, nil
	}
	b, err := reports.LoadBaseline(path)
	if err != nil {
		return nil, err
	}
	for _, a := range b.Known {
		requirement, _, _ := strings.Cut(a.Result, "@")
		if _, err := l.Find(requirement); err != nil {
			return nil, fmt.Errorf("%w: %s: %s: %w", reports.ErrBaseline, path, a.Result, err)
		}
	}
	return b, nil
}
