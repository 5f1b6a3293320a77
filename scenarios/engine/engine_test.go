// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// fake is a target without a system: the engine's own logic needs none.
type fake struct {
	prepare func(sut.Security) (*sut.Instance, error)
	rung    int
	roles   []sut.Role // nil: all
}

func (f *fake) Prepare(_ context.Context, w sut.Wanted) (*sut.Instance, error) {
	s := w.Security
	if f.prepare != nil {
		return f.prepare(s)
	}
	return &sut.Instance{Security: s, Timers: sut.Timers{Response: time.Second, Removal: time.Second}}, nil
}
func (f *fake) Security() sut.Security      { return sut.Secured }
func (f *fake) Rung() int                   { return f.rung }
func (f *fake) Shared() bool                { return false }
func (f *fake) Close(context.Context) error { return nil }

func (f *fake) Roles() []sut.Role {
	if f.roles == nil {
		return sut.Roles()
	}
	return f.roles
}

const (
	binding = "T2.1-R1" // MUST NOT
	should  = "T2.11-R1"
	other   = "T2.8-R1"
)

func newEngine(t *testing.T, target sut.Target, checks ...engine.Check) *engine.Engine {
	t.Helper()
	l, err := ledger.Load()
	if err != nil {
		t.Fatal(err)
	}
	return &engine.Engine{Target: target, Ledger: l, Checks: checks, Command: "rspthreat run", Seed: 1}
}

func check(run func(context.Context, *engine.Run), requirements ...string) engine.Check {
	return engine.Check{ID: "a-check", Section: "2.1", Role: engine.Registrar, Requirements: requirements, Run: run}
}

func fine(_ context.Context, _ gomega.Gomega) string { return "fine" }

func broken(_ context.Context, g gomega.Gomega) string {
	g.Expect(1).To(gomega.Equal(2), "it is broken")
	return "not reached"
}

// TestVerdictFollowsFromTheStepThatFails holds the meaning of each step.
func TestVerdictFollowsFromTheStepThatFails(t *testing.T) {
	type steps struct{ baseline, attack, canary, oracle engine.Step }
	for _, row := range []struct {
		name        string
		steps       steps
		requirement string
		want        reports.Verdict
	}{
		{"nothing", steps{fine, fine, fine, fine}, binding, reports.Pass},
		{"the baseline", steps{broken, fine, fine, fine}, binding, reports.Inconclusive},
		{"the attack", steps{fine, broken, fine, fine}, binding, reports.HarnessError},
		{"the canary", steps{fine, fine, broken, fine}, binding, reports.Inconclusive},
		{"the oracle", steps{fine, fine, fine, broken}, binding, reports.Fail},
		{"the oracle, of a SHOULD", steps{fine, fine, fine, broken}, should, reports.Warn},
		{"canary and oracle", steps{fine, fine, broken, broken}, binding, reports.Fail},
		{"no oracle at all", steps{fine, fine, fine, nil}, binding, reports.HarnessError},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newEngine(t, &fake{}, check(func(ctx context.Context, r *engine.Run) {
				r.Baseline(ctx, "baseline", row.steps.baseline)
				r.Passive(ctx, "attack", row.steps.attack)
				r.Canary(ctx, "canary", row.steps.canary)
				if row.steps.oracle != nil {
					r.Oracle(ctx, "oracle", row.steps.oracle)
				}
			}, row.requirement))
			out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
			if got := out.Results[0]; got.Verdict != row.want {
				t.Errorf("%s: %s, want %s", got.Verdict, got.Reason, row.want)
			}
		})
	}
}

func TestOracleJudgesOnlyTheRequirementsItNames(t *testing.T) {
	e := newEngine(t, &fake{}, check(func(ctx context.Context, r *engine.Run) {
		r.Oracle(ctx, "one", broken, binding)
		r.Oracle(ctx, "the other", fine, other)
	}, binding, other))
	out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	if out.Results[0].Verdict != reports.Fail || out.Results[1].Verdict != reports.Pass {
		t.Errorf("verdicts %s and %s, want fail and pass", out.Results[0].Verdict, out.Results[1].Verdict)
	}
}

func TestPanicOfACheckIsAHarnessError(t *testing.T) {
	e := newEngine(t, &fake{}, check(func(context.Context, *engine.Run) { panic("a bug") }, binding))
	out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	if got := out.Results[0]; got.Verdict != reports.HarnessError {
		t.Errorf("%s: %s", got.Verdict, got.Reason)
	}
}

// TestWhatKeepsACheckFromRunning: none of these may pass.
func TestWhatKeepsACheckFromRunning(t *testing.T) {
	passes := func(ctx context.Context, r *engine.Run) { r.Oracle(ctx, "oracle", fine) }
	for _, row := range []struct {
		name   string
		change func(*engine.Check, *fake)
		want   reports.Verdict
	}{
		{"a rung that is not there", func(c *engine.Check, _ *fake) { c.Rung = 1 }, reports.NotApplicable},
		{"a security mode that is not there", func(_ *engine.Check, f *fake) {
			f.prepare = func(sut.Security) (*sut.Instance, error) { return nil, sut.ErrNoVariant }
		}, reports.NotApplicable},
		{"a reason of its own", func(c *engine.Check, _ *fake) {
			c.Applies = func(*sut.Instance) string { return "no such key" }
		}, reports.NotApplicable},
		{"a system that cannot be prepared", func(_ *engine.Check, f *fake) {
			f.prepare = func(sut.Security) (*sut.Instance, error) { return nil, errors.New("no such host") }
		}, reports.Inconclusive},
	} {
		t.Run(row.name, func(t *testing.T) {
			target, c := &fake{}, check(passes, binding)
			row.change(&c, target)
			e := newEngine(t, target, c)
			out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
			if got := out.Results[0]; got.Verdict != row.want || got.Reason == "" {
				t.Errorf("%s: %q, want %s with a reason", got.Verdict, got.Reason, row.want)
			}
		})
	}
}

func TestInterruptionLeavesNoVerdictBehind(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	first := check(func(ctx context.Context, r *engine.Run) {
		r.Oracle(ctx, "oracle", fine)
		cancel(errors.New("Ctrl-C"))
	}, binding)
	second := check(func(ctx context.Context, r *engine.Run) { r.Oracle(ctx, "oracle", fine) }, other)
	second.ID = "b-check"
	e := newEngine(t, &fake{}, first, second)
	results, err := e.Execute(ctx, engine.Selection{Requirements: []string{binding, other}}, 1, func(*engine.Outcome) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results.Results {
		if r.Role == "registrar" && r.Verdict != reports.Inconclusive {
			t.Errorf("%s: %s", r.ID, r.Verdict)
		}
	}
	if results.Interrupted != "Ctrl-C" || results.ExitCode != reports.ExitUnreachable || results.Complete {
		t.Errorf("interrupted %q, exit code %d, complete %t", results.Interrupted, results.ExitCode, results.Complete)
	}
}

func TestExitCodes(t *testing.T) {
	for _, row := range []struct {
		verdicts []reports.Verdict
		want     int
	}{
		{[]reports.Verdict{reports.Pass, reports.Warn, reports.NotApplicable}, reports.ExitConforms},
		{[]reports.Verdict{reports.Pass, reports.Fail, reports.HarnessError}, reports.ExitViolations},
		{[]reports.Verdict{reports.Pass, reports.Inconclusive}, reports.ExitUnreachable},
		{[]reports.Verdict{reports.Pass, reports.HarnessError}, reports.ExitUnreachable},
		{[]reports.Verdict{reports.NotApplicable, reports.Unsupported}, reports.ExitNothingRan},
		{nil, reports.ExitNothingRan},
	} {
		r := &reports.Results{}
		for _, v := range row.verdicts {
			r.Results = append(r.Results, reports.Result{Verdict: v})
		}
		if got := engine.ExitCode(r); got != row.want {
			t.Errorf("%v: exit code %d, want %d", row.verdicts, got, row.want)
		}
	}
}

func TestSelectionOfWhatDoesNotExistIsRefused(t *testing.T) {
	e := newEngine(t, &fake{})
	for _, s := range []engine.Selection{{Sections: []string{"2.99"}}, {Requirements: []string{"T9-R9"}}} {
		if _, err := e.Execute(t.Context(), s, 1, nil); !errors.Is(err, engine.ErrSelection) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestWhatTheSystemDeclinesIsUnsupported: its own word is neither a pass nor a failure, and
// what goes wrong on the way to it is not its word.
func TestWhatTheSystemDeclinesIsUnsupported(t *testing.T) {
	for _, row := range []struct {
		err  error
		want reports.Verdict
	}{
		{fmt.Errorf("resolve: %w", sut.ErrUnsupported), reports.Unsupported},
		{errors.New("the adapter hung up"), reports.Inconclusive},
		{nil, reports.Pass},
	} {
		e := newEngine(t, &fake{}, check(func(ctx context.Context, r *engine.Run) {
			r.Need(ctx, "resolve", func(context.Context) (string, error) { return "resolved", row.err })
			r.Oracle(ctx, "oracle", fine)
		}, binding))
		out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
		if got := out.Results[0]; got.Verdict != row.want || got.Reason == "" {
			t.Errorf("%v: %s: %q, want %s", row.err, got.Verdict, got.Reason, row.want)
		}
	}
}

// TestAttackOfWhichNothingIsSentIsNone: a check whose attacker says that it did something,
// while nothing left the harness, has proven nothing.
func TestAttackOfWhichNothingIsSentIsNone(t *testing.T) {
	e := newEngine(t, &fake{}, check(func(ctx context.Context, r *engine.Run) {
		r.Attack(ctx, "attack", func(context.Context, gomega.Gomega) string { return "the attack was made" })
		r.Oracle(ctx, "oracle", fine)
	}, binding))
	out := e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	if got := out.Results[0]; got.Verdict != reports.HarnessError || !strings.Contains(got.Reason, "nothing of it left the harness") {
		t.Errorf("%s: %s", got.Verdict, got.Reason)
	}
}

// TestCheckThatWaitsForEverIsEnded: what a check does outside of its steps, such as tidying
// up, must not hang the run.
func TestCheckThatWaitsForEverIsEnded(t *testing.T) {
	target := &fake{prepare: func(s sut.Security) (*sut.Instance, error) {
		return &sut.Instance{Security: s, Timers: sut.Timers{Response: time.Millisecond, Removal: time.Millisecond}}, nil
	}}
	ended := make(chan struct{})
	e := newEngine(t, target, check(func(ctx context.Context, _ *engine.Run) {
		<-ctx.Done()
		close(ended)
	}, binding))
	go e.RunCheck(t.Context(), &e.Checks[0], func(string) bool { return true })
	select {
	case <-ended:
	case <-time.After(10 * time.Second): // sixty milliseconds are its bound
		t.Error("the check goes on for ever")
	}
}
