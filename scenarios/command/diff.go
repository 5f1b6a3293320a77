// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
)

// output is where and in which format a comparison goes.
type output struct {
	format string
	file   string
}

func (o *output) flags(c *cobra.Command, formats, fallback string) {
	c.Flags().StringVarP(&o.format, "format", "f", fallback, "`format`: "+formats)
	c.Flags().StringVarP(&o.file, "output", "o", "", "`file` to write to (default: standard output)")
}

// write writes what the format's writer produces; a file appears whole or not at all.
func (o *output) write(c *cobra.Command, writers map[string]func(io.Writer) error) error {
	write, ok := writers[o.format]
	if !ok {
		return usage(fmt.Errorf("there is no format %q", o.format))
	}
	var b bytes.Buffer
	err := write(&b)
	switch {
	case err != nil:
	case o.file == "":
		_, err = b.WriteTo(c.OutOrStdout())
	default:
		err = os.WriteFile(o.file, b.Bytes(), 0o644)
	}
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	return nil
}

// load reads the results of reports; what is none is a matter of usage.
func load(paths []string) ([]*reports.Results, error) {
	var out []*reports.Results
	for _, p := range paths {
		r, err := reports.Load(p)
		if err != nil {
			return nil, usage(err)
		}
		out = append(out, r)
	}
	return out, nil
}

func newDiff() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Tell what became better, worse, new and gone from one run to another",
		Long: "Compare two reports, each a directory or a results.json: what became better, worse, is judged for\n" +
			"the first time (new), is judged no more (gone), or fails in another way (changed). In a job of\n" +
			"GitHub the comparison goes into the job summary as well.\n\n" +
			"Exit codes: 0 nothing is worse, 1 something is worse, or fails that was not judged before, 2 usage,\n" +
			"3 verdicts are missing that A had.",
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return runDiff(c, args, &o) },
	}
	o.flags(c, "text, markdown, html", "text")
	return c
}

func runDiff(c *cobra.Command, args []string, o *output) error {
	runs, err := load(args)
	if err != nil {
		return err
	}
	d := reports.Compare(runs[0], runs[1])
	if err := o.write(c, map[string]func(io.Writer) error{"text": d.Text, "markdown": d.Markdown, "html": d.HTML}); err != nil {
		return err
	}
	if err := appendJobSummary(d.Markdown); err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	if code := d.ExitCode(); code != reports.ExitConforms {
		return &exitError{code: code}
	}
	return nil
}

func newMatrix() *cobra.Command {
	var o output
	c := &cobra.Command{
		Use:   "matrix RUN...",
		Short: "Put implementations side by side",
		Long:  "Put the results of several reports, each a directory or a results.json, next to each other: a row for\neach requirement, a column for each implementation.",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			runs, err := load(args)
			if err != nil {
				return err
			}
			s := reports.SideBySide(runs...)
			return o.write(c, map[string]func(io.Writer) error{"markdown": s.Markdown, "html": s.HTML})
		},
	}
	o.flags(c, "markdown, html", "markdown")
	return c
}
