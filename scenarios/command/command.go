// SPDX-License-Identifier: Apache-2.0

// Package command is the rspthreat command line: it reads flags, wires target, engine and
// reports together, and turns what came of it into an exit code.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// exitError carries an exit code up to Main. Its message is printed unless it is empty.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{reports.ExitUsage, err} }

// Option gives Main what only some commands need.
type Option func(*options)

type options struct {
	stdin  io.Reader
	reload func() (<-chan os.Signal, func())
}

// WithInput is what `rspthreat pu` sends; nothing without it.
func WithInput(r io.Reader) Option { return func(o *options) { o.stdin = r } }

// WithReload lets the daemons be told to read their keys again. begin is called by those
// that can, and returns the channel that tells them and what ends it.
func WithReload(begin func() (<-chan os.Signal, func())) Option {
	return func(o *options) { o.reload = begin }
}

// Main runs the command with args and returns its exit code (README, "Exit codes"). It ends
// early, with the reports of what was done, when ctx does.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, with ...Option) int {
	o := options{stdin: strings.NewReader(""), reload: func() (<-chan os.Signal, func()) { return nil, func() {} }}
	for _, w := range with {
		w(&o)
	}
	root := newRoot(&o)
	root.SetIn(o.stdin)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	// A command that was run beside a guest has spoken for itself.
	var child *exec.ExitError
	if errors.As(err, &child) && child.ExitCode() > 0 {
		return child.ExitCode()
	}
	code := reports.ExitUsage // what cobra refuses is a matter of usage
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if message := err.Error(); message != "" {
		fmt.Fprintln(stderr, "rspthreat:", message)
	}
	return code
}

func newRoot(o *options) *cobra.Command {
	root := &cobra.Command{
		Use:           "rspthreat",
		Short:         "Shows whether an RSerPool system withstands the threats of draft-ietf-rserpool-threats-15",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.Version = version()
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(newRun(), newProve(), newAttack(), newList(), newExplain(), newVersion(), newAdapter(), newDoctor(), newInit(), newBaseline(), newClaim(), newSchema(), guest.NewCommand())
	root.AddCommand(newFuzz())
	root.AddCommand(newDaemons(o)...)
	root.AddCommand(newVerify(), newDiff(), newMatrix(), newReport())
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), c.Root().Name(), version())
			return err
		},
	}
}

// version is what `rspthreat version` and `rspthreat --version` print after the name.
func version() string {
	t := tool()
	if t.Commit == "" {
		t.Commit = "unknown"
	}
	return fmt.Sprintf("%s (commit %s, %s)", t.Version, t.Commit, t.Go)
}

// tool identifies this program as it was built.
func tool() reports.Tool {
	t := reports.Tool{Name: "rspthreat", Version: "devel", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return t
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		t.Version = v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			t.Commit = s.Value
		}
	}
	return t
}
