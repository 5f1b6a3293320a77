// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/fuzz/triage"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// defaultFuzzOut is where findings and journal go.
const defaultFuzzOut = "rspthreat-fuzz"

// fuzzTarget are the flags that say what is fuzzed.
type fuzzTarget struct {
	sut    string
	faults []string
	pid    string
}

func (f *fuzzTarget) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.sut, "sut", "", "configuration `file` of the system under test (default: the reference in a process of its own)")
	flags.StringSliceVar(&f.faults, "fault", nil, "switch these `faults` of the reference on")
	flags.StringVar(&f.pid, "pid", "", "`file` with the process ID of the system under test, or a command that prints it, after an exclamation mark")
}

// open gives the target and how reports describe it.
func (f *fuzzTarget) open() (target.Target, reports.Subject, error) {
	t, subject, err := openTarget(f.sut, f.faults)
	if err != nil {
		return nil, subject, err
	}
	if !slices.Contains(t.Roles(), sut.Registrar) {
		return nil, subject, errors.New("fuzzing over the wire is for registrars, and the system under test is none")
	}
	if f.sut != "" {
		return &target.External{Target: t, PID: f.pid}, subject, nil
	}
	if f.pid != "" {
		return nil, subject, errors.New("--pid is for --sut: the process of the reference is known")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, subject, err
	}
	command := []string{self, "fuzz", "reference"}
	for _, fault := range f.faults {
		command = append(command, "--fault", fault)
	}
	subject.Name = "reference registrar in a process of its own"
	return &target.Child{Command: command}, subject, nil
}

type fuzzFlags struct {
	fuzzTarget
	out       string
	resume    bool
	seed      uint64
	shard     string
	cases     uint64
	time      time.Duration
	rate      float64
	lanes     int
	depth     int
	reconnect bool
	corpus    string
	roles     []string
	patterns  []string
	slow      time.Duration
	memory    int64
	deaths    int
	effort    time.Duration
	quiet     bool
}

func newFuzz() *cobra.Command {
	var f fuzzFlags
	c := &cobra.Command{
		Use:   "fuzz",
		Short: "Fuzz a registrar over the wire",
		Long: "Speak with a registrar as pool elements, pool users, peer registrars and strangers, mostly wrongly, and\n" +
			"see whether honest nodes are still served and find what honest nodes made. See fuzz/README.md.\n\n" +
			"Exit codes: 0 nothing was found, 1 there are findings, 2 usage or configuration, 3 the system could not\n" +
			"be reached, the campaign was interrupted, or the harness failed, 4 no case was run.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	f.fuzzTarget.flags(c)
	flags := c.Flags()
	flags.StringVarP(&f.out, "out", "o", defaultFuzzOut, "`directory` for findings and journal")
	flags.BoolVar(&f.resume, "resume", false, "go on with the campaign in that directory")
	flags.Uint64Var(&f.seed, "seed", 0, "draw the cases from this `number` (default: a random one)")
	flags.StringVar(&f.shard, "shard", "0/1", "run part `i/n` of the campaign")
	flags.Uint64Var(&f.cases, "cases", 0, "end after this `number` of cases, rounded up to whole blocks of 64")
	flags.DurationVar(&f.time, "time", 0, "end after this `duration` (default: a minute, unless --cases is given)")
	flags.Float64Var(&f.rate, "rate", 0, "at most this many cases a `second`, all shards together")
	flags.IntVar(&f.lanes, "lanes", campaign.DefaultLanes, "`associations` at once")
	flags.IntVar(&f.depth, "depth", campaign.DefaultDepth, "`cases` in one flight")
	flags.BoolVar(&f.reconnect, "reconnect", false, "a new association for each case")
	flags.StringVar(&f.corpus, "corpus", "", "`directory` of messages that cases begin with, too")
	flags.StringSliceVar(&f.roles, "role", nil, "play these `roles` only: pe, pu, peer, stranger")
	flags.StringSliceVar(&f.patterns, "log-pattern", nil, "`expression` for lines of the log that mean that something is wrong")
	flags.DurationVar(&f.slow, "slow", 0, "an answer that takes longer than this `duration` is a finding")
	flags.Int64Var(&f.memory, "memory", campaign.DefaultMemoryGrowth>>20, "growth of the process in `MiB` that is a finding")
	flags.IntVar(&f.deaths, "deaths", campaign.DefaultMaxDeaths, "stop after the system has died this many `times`")
	flags.DurationVar(&f.effort, "effort", triage.DefaultEffort().Time, "spend at most this `duration` on confirming and minimising a finding")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "no progress, only findings and summary")
	c.AddCommand(newFuzzReplay(), newFuzzMerge(), newFuzzPromote(), newFuzzImport(), newFuzzReference())
	return c
}

// command is a command about the same system.
func (f *fuzzTarget) command(words ...string) string {
	if f.sut != "" {
		words = append(words, "--sut", quote(f.sut))
	}
	for _, fault := range f.faults {
		words = append(words, "--fault", fault)
	}
	return strings.Join(words, " ")
}

func (f *fuzzFlags) run(c *cobra.Command) error {
	if f.resume && f.seed == 0 {
		h, err := campaign.ReadHeader(f.out)
		if err != nil {
			return usage(err)
		}
		f.seed = h.Seed
	}
	if f.seed == 0 {
		f.seed = rand.Uint64()
	}
	o, err := f.options()
	if err != nil {
		return usage(err)
	}
	var subject reports.Subject
	if o.Target, subject, err = f.open(); err != nil {
		return usage(err)
	}
	defer closeFuzzTarget(c.Context(), o.Target)
	o.Subject = subject.Name
	o.Found = func(found *finding.Finding) { fmt.Fprintln(c.OutOrStdout(), "found", found.Name+":", found) }
	if !f.quiet {
		o.Progress = progress(c.ErrOrStderr())
	}
	began := time.Now()
	summary, err := campaign.Run(c.Context(), o)
	err = fuzzResult(c.OutOrStdout(), summary, err, f.out)
	if summary == nil {
		return err
	}
	report := fuzzRun{
		dir: f.out, subject: subject, command: f.command("rspthreat fuzz") + fmt.Sprintf(" --seed %d --shard %s", f.seed, f.shard),
		faults: f.faults, started: began, complete: summary.Why == campaign.WhyCases || summary.Why == campaign.WhyTime, why: summary.Why,
		code: exitCode(err), findings: summary.Findings,
	}
	if failed := report.write(); failed != nil {
		return &exitError{max(exitCode(err), reports.ExitViolations), errors.Join(err, fmt.Errorf("reports: %w", failed))}
	}
	return err
}

// exitCode is that of an error of fuzzResult.
func exitCode(err error) int {
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return 0
}

// progressEvery is how often progress is told.
const progressEvery = 5 * time.Second

func progress(w io.Writer) func(campaign.Status) {
	var last time.Time
	return func(s campaign.Status) {
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		fmt.Fprintf(w, "%s: %d cases, %.0f/s, %d findings, %d deaths\n", s.Elapsed.Round(time.Second), s.Cases, s.Rate, s.Findings, s.Deaths)
	}
}

// fuzzResult prints the summary and turns what came of a campaign into an exit code.
func fuzzResult(w io.Writer, s *campaign.Summary, err error, dir string) error {
	if s != nil {
		covered := len(campaign.Total()) - len(s.Coverage.Missing())
		fmt.Fprintf(w, "%d cases with %d messages in %s (%.0f/s); %s\n", s.NewCases, s.Messages, s.Ran.Round(time.Second), float64(s.NewCases)/s.Ran.Seconds(), s.Why)
		fmt.Fprintf(w, "%d of %d states and transitions, %d ways to answer, %d deaths, %d anomalies that did not come about again\n",
			covered, len(campaign.Total()), s.Novel, s.Deaths, s.Transient)
		tellFleeting(w, &s.Progress)
		if s.Avoided > 0 {
			fmt.Fprintf(w, "%d cases were left out that kill the system in a way that is known\n", s.Avoided)
		}
		for _, passed := range s.Passed {
			fmt.Fprintf(w, "corpus: passed over: %s\n", passed)
		}
		for _, unseen := range s.Unseen {
			fmt.Fprintf(w, "unseen: %s\n", unseen)
		}
		tellFindings(w, s.Findings, dir)
	}
	switch {
	case s != nil && len(s.Findings) > 0:
		if err = errors.Join(err, s.Failure); err != nil {
			return &exitError{reports.ExitViolations, err}
		}
		return &exitError{code: reports.ExitViolations}
	case errors.Is(err, campaign.ErrOptions), errors.Is(err, campaign.ErrExists), errors.Is(err, campaign.ErrNone),
		errors.Is(err, campaign.ErrOther), errors.Is(err, campaign.ErrJournal), errors.Is(err, finding.ErrVersion):
		return usage(err)
	case err != nil:
		return &exitError{reports.ExitUnreachable, err}
	case s.Failure != nil:
		return &exitError{reports.ExitUnreachable, s.Failure}
	case s.Why == campaign.WhyInterrupted:
		return &exitError{reports.ExitUnreachable, fmt.Errorf("%s; to go on: --resume -o %s", s.Why, quote(dir))}
	case s.NewCases == 0:
		return &exitError{reports.ExitNothingRan, errors.New("no case was run")}
	}
	return nil
}

// tellFleeting says what was seen and did not come about again: a busy machine, or a fault that is hard to meet.
func tellFleeting(w io.Writer, p *campaign.Progress) {
	for _, what := range slices.Sorted(maps.Keys(p.Fleeting)) {
		fmt.Fprintf(w, "did not come about again: %s (%d times)\n", what, p.Fleeting[what])
	}
}

func tellFindings(w io.Writer, list []*finding.Finding, dir string) {
	for _, f := range list {
		fmt.Fprintf(w, "  %s\n    %s\n", f, f.Replay)
	}
	fmt.Fprintf(w, "%d findings in %s\n", len(list), dir)
}

func closeFuzzTarget(ctx context.Context, t target.Target) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = t.Close(ctx) // findings are written; there is nobody left to tell
}

// newFuzzReference is the reference as a process of its own, for the fuzzer.
func newFuzzReference() *cobra.Command {
	var faults []string
	c := &cobra.Command{
		Use: "reference", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := sut.FindFaults(faults...)
			if err != nil {
				return usage(err)
			}
			e, err := sut.NewEmbedded(found...)
			if err != nil {
				return &exitError{reports.ExitUnreachable, err}
			}
			if err := target.Serve(c.Context(), e, c.InOrStdin(), c.OutOrStdout()); err != nil {
				return &exitError{reports.ExitUnreachable, err}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&faults, "fault", nil, "switch these `faults` on")
	return c
}
