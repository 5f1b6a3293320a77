// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor FILE",
		Short: "Look at everything that judging a system under test needs, and say which checks will run",
		Long: "Look at everything that judging the system of a configuration file needs: files and permissions, clock,\n" +
			"transports, commands, every address with every credential, the adapter. What is wrong comes with what to do.\n\n" +
			"Exit codes: 0 nothing is in the way, 2 the file is wrong, 3 something is in the way.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return doctor(c, args[0]) },
	}
}

func doctor(c *cobra.Command, path string) error {
	ctx, out := c.Context(), c.OutOrStdout()
	cfg, err := sut.LoadConfig(path)
	if err != nil {
		return usage(err)
	}
	target, err := sut.NewExternal(cfg)
	if err != nil {
		return usage(err)
	}
	defer closeTarget(c, target)
	requirements, err := ledger.Load()
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	bad := 0
	target.Examine(ctx, func(f sut.Finding) {
		if f.Level == sut.Bad {
			bad++
		}
		fmt.Fprintf(out, "%-8s %s\n", f.Level, f)
	})
	e := &engine.Engine{Target: target, Ledger: requirements, Checks: scenarios.Checks()}
	runs, err := listPreviews(ctx, out, e)
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	switch {
	case bad > 0:
		return &exitError{reports.ExitUnreachable, fmt.Errorf("%s in the way", count(bad, "thing is", "things are"))}
	case runs == 0:
		return &exitError{reports.ExitNothingRan, errors.New("nothing is in the way, and no check will run")}
	}
	_, err = fmt.Fprintf(out, "\nNothing is in the way: rspthreat run --sut %s\n", quote(path))
	return err
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// maxRepeated is how long a reason may be that is said again and again.
const maxRepeated = 80

// listPreviews says of each check whether it will run and which rung it needs.
func listPreviews(ctx context.Context, out io.Writer, e *engine.Engine) (runs int, err error) {
	previews := e.Previews(ctx)
	fmt.Fprintf(out, "\nchecks (the system is at rung %d)\n", e.Target.Rung())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	said := make(map[string]string) // by reason, the check that it was said of
	for _, p := range previews {
		what := "will run"
		switch {
		case p.Unsupported:
			what = "unsupported: " + p.Reason
		case said[p.Reason] != "" && len(p.Reason) > maxRepeated:
			what = "will not run, as " + said[p.Reason]
		case p.Reason != "":
			what, said[p.Reason] = "will not run: "+p.Reason, p.Check.ID
		case p.Check.Security == sut.Secured && e.Target.Security() == sut.Clear:
			what += fmt.Sprintf(", if the adapter has a %s that is secured", p.Check.Role)
			runs++
		default:
			runs++
		}
		fmt.Fprintf(w, "  %s\t%s\trung %d\t%s\n", p.Check.ID, p.Check.Role, p.Check.Rung, what)
	}
	if err := w.Flush(); err != nil {
		return 0, err
	}
	_, err = fmt.Fprintf(out, "%d of %d will run\n", runs, len(previews))
	return runs, err
}
