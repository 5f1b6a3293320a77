// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/scenarios/proof"
	"github.com/rspthreat/rspthreat/sut"
)

// defaultOut is where the reports go.
const defaultOut = "rspthreat-report"

// checksPerCPU: checks wait for the network most of the time, so more of them than
// processors run at once.
const checksPerCPU = 4

type runFlags struct {
	sut          string
	sections     []string
	requirements []string
	faults       []string
	out          string
	parallel     int
	seed         uint64
	quiet        bool
	baseline     string
	shard        string
}

func newRun() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run",
		Short: "Judge a system under test and write the reports",
		Long: "Judge a system under test and write index.html, results.json, junit.xml, rspthreat.sarif,\n" +
			"summary.md, and the evidence of each check. Without --sut the embedded reference is judged.\n" +
			"On GitHub the summary is that of the job as well.\n\n" +
			"Exit codes: 0 conforms, 1 does not (or not as the baseline says), 2 usage or configuration, 3 a verdict is missing because the\n" +
			"system could not be reached or the harness failed, 4 nothing ran.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	flags := c.Flags()
	flags.StringVar(&f.sut, "sut", "", "configuration `file` of the system under test (default: the embedded reference)")
	flags.StringSliceVar(&f.sections, "section", nil, "only these threat `sections`, such as 2.1,2.15")
	flags.StringSliceVar(&f.requirements, "requirement", nil, "only these requirement `IDs`, such as T2.8-R1")
	flags.StringSliceVar(&f.faults, "fault", nil, "switch these `faults` of the embedded reference on")
	flags.StringVarP(&f.out, "out", "o", defaultOut, "`directory` for the reports")
	flags.IntVarP(&f.parallel, "parallel", "j", runtime.GOMAXPROCS(0)*checksPerCPU, "checks at once (one system under test: always 1)")
	flags.Uint64Var(&f.seed, "seed", 0, "draw identifiers from this `number` (default: a random one)")
	flags.StringVar(&f.baseline, "baseline", "", "`file` of known failures, which do not make the run fail (see rspthreat baseline)")
	flags.StringVar(&f.shard, "shard", "", "only the `i/n`-th part of the sections, for parallel runs that `report merge` joins")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, only the summary")
	return c
}

func (f *runFlags) run(c *cobra.Command) error {
	ctx := c.Context()
	requirements, err := ledger.Load()
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	known, err := readBaseline(f.baseline, requirements)
	if err != nil {
		return usage(err)
	}
	sections, err := f.selected(requirements)
	if err != nil {
		return usage(err)
	}
	selection := engine.Selection{Sections: sections, Requirements: f.requirements}
	if err := selection.Check(requirements); err != nil {
		return usage(err)
	}
	target, subject, err := openTarget(f.sut, f.faults)
	if err != nil {
		return usage(err)
	}
	defer closeTarget(c, target)
	if f.seed == 0 {
		f.seed = rand.Uint64()
	}
	e := &engine.Engine{Target: target, Ledger: requirements, Checks: scenarios.Checks(), Seed: f.seed, Command: f.command()}
	writer, err := reports.NewWriter(f.out)
	if err != nil {
		return &exitError{reports.ExitUnreachable, err}
	}
	if external, ok := target.(*sut.External); ok {
		e.Reach = func(ctx context.Context) error {
			err := sut.Reach(ctx, external.Doors())
			if dead := external.Dead(ctx); err != nil && dead != nil {
				err = fmt.Errorf("%w: %w", sut.ErrUnreachable, dead)
			}
			if err != nil {
				fmt.Fprintln(c.ErrOrStderr(), "rspthreat:", err)
			}
			return err
		}
	}
	if !f.quiet {
		spectator{c.ErrOrStderr()}.begin(subject, target, f.faults)
	}
	started := time.Now()
	results, err := e.Execute(ctx, selection, f.parallel, f.sink(c, writer))
	results.Started, results.Finished = started, time.Now()
	diagnose(c, target, results)
	results.Tool, results.Subject, results.Faults, results.Proof = tool(), subject, f.faults, proof.Matrix(requirements)
	if broken := applyBaseline(results, known); broken != nil {
		fmt.Fprintln(c.ErrOrStderr(), "rspthreat:", broken)
	}
	return errors.Join(sinkError(err), publish(c, writer, results, f.out))
}

// diagnose says what may be in the way where a verdict is missing: the same that doctor says of
// the doors.
func diagnose(c *cobra.Command, target sut.Target, results *reports.Results) {
	external, ok := target.(*sut.External)
	if !ok || c.Context().Err() != nil || reports.Counts(results.Results)[reports.Inconclusive] == 0 {
		return
	}
	if external.Dead(c.Context()) != nil {
		return // which has been said
	}
	well := true
	external.ExamineDoors(c.Context(), func(f sut.Finding) {
		if f.Level == sut.Bad {
			well = false
			fmt.Fprintf(c.ErrOrStderr(), "rspthreat: %s\n", f)
		}
	})
	if judged := slices.Contains(external.Roles(), sut.Registrar); well && judged && external.Rung() == 0 {
		fmt.Fprintln(c.ErrOrStderr(), "rspthreat: all doors answer: what an earlier check left behind may be in the way of a later one; commands that reset the registrar (rung 1) keep them apart")
	}
}

// sinkError tells that evidence could not be written; the reports are written all the same.
func sinkError(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{reports.ExitUnreachable, fmt.Errorf("reports: %w", err)}
}

// command repeats the run, without the selection.
func (f *runFlags) command() string {
	words := []string{"rspthreat run"}
	if f.sut != "" {
		words = append(words, "--sut", quote(f.sut))
	}
	for _, fault := range f.faults {
		words = append(words, "--fault", fault)
	}
	return strings.Join(append(words, "--seed", fmt.Sprint(f.seed)), " ")
}

// quote makes s one word of a POSIX shell.
func quote(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// sink writes the evidence of each check and tells how it went.
func (f *runFlags) sink(c *cobra.Command, writer *reports.Writer) engine.Sink {
	return func(o *engine.Outcome) error {
		if !f.quiet {
			spectator{c.ErrOrStderr()}.check(o)
		}
		return writer.AddCheck(&o.Check, o.Capture)
	}
}

// closeTimeout bounds the stop command of a system under test and more.
const closeTimeout = 100 * time.Second

// closeTarget ends a target. The verdicts stand; what went wrong is told.
func closeTarget(c *cobra.Command, target sut.Target) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), closeTimeout)
	defer cancel()
	if err := target.Close(ctx); err != nil {
		fmt.Fprintln(c.ErrOrStderr(), "rspthreat: at the end:", err)
	}
}
