// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reports"
)

// stop unwinds a check that cannot go on; Run's caller recovers it.
type stop struct{}

// expectation unwinds a step whose expectation was not met.
type expectation struct{ message string }

// broken tells why what was missing may not be the system's fault.
func (r *Run) broken(ctx context.Context) error {
	if r.Instance == nil {
		return nil
	}
	return r.Instance.Broken(ctx)
}

// blame adds to what did not work why that may be.
func (r *Run) blame(ctx context.Context, message string) string {
	if err := r.broken(ctx); err != nil && !strings.Contains(message, err.Error()) {
		return message + "; " + err.Error()
	}
	return message
}

// step runs f with the deadline of a step and notes what came of it.
func (r *Run) step(ctx context.Context, kind reports.StepKind, title string, f Step) (message string, ok bool) {
	r.steps = append(r.steps, reports.Step{Kind: kind, Title: title, Started: time.Now()})
	s := &r.steps[len(r.steps)-1]
	r.rec.step.Store(int64(len(r.steps) - 1))
	ctx, cancel := context.WithTimeout(ctx, r.stepDeadline())
	defer cancel()
	defer func() {
		s.Duration = time.Since(s.Started)
		switch p := recover().(type) {
		case nil:
			ok = true
		case expectation:
			message = p.message
		default:
			panic(p)
		}
		if !ok {
			s.Outcome = message
			s.Verdict = map[reports.StepKind]reports.Verdict{
				reports.Baseline: reports.Inconclusive, reports.Canary: reports.Inconclusive, reports.Attack: reports.HarnessError,
			}[kind]
			return
		}
		if kind == reports.Baseline || kind == reports.Canary {
			s.Verdict = reports.Pass // an attack that was made is no success of anybody's
		}
	}()
	g := gomega.NewGomega(func(message string, _ ...int) { panic(expectation{plain(message)}) })
	s.Outcome = f(ctx, g)
	return "", true
}

// stepDeadline is the bound on one step, so that a silent system ends a check instead of
// hanging it. A step makes a handful of exchanges and waits for at most two removals.
func (r *Run) stepDeadline() time.Duration {
	const exchanges = 8
	return exchanges*r.Instance.Timers.Response + 2*r.Instance.Timers.Removal
}

// deadline is the bound on a whole check, tidying up included: what waits without a deadline
// of its own must not hang the run. Most of the steps of a check end long before theirs.
func (r *Run) deadline() time.Duration {
	const steps = 6
	return steps * r.stepDeadline()
}

// execute runs the check and recovers what unwinds it.
func (r *Run) execute(ctx context.Context) {
	defer func() {
		switch p := recover().(type) {
		case nil, stop:
		default:
			r.worsen(reports.HarnessError, fmt.Sprintf("the check panicked: %v", p))
		}
	}()
	r.check.Run(ctx, r)
}

// conclude turns what the steps found into a verdict and its reason. A requirement that no
// oracle has looked at has no verdict, which is an error of the harness.
func (r *Run) conclude(ctx context.Context, id string) (reports.Verdict, string) {
	j := r.verdict[id]
	if err := context.Cause(ctx); err != nil && j.verdict != reports.Fail && j.verdict != reports.Warn {
		return reports.Inconclusive, "interrupted: " + err.Error()
	}
	if j.verdict.Judged() {
		return j.verdict, strings.Join(j.reasons, "; ")
	}
	if j.declined != "" && !j.judged {
		return reports.Unsupported, j.declined
	}
	if r.unproven != nil {
		return reports.Unsupported, r.unproven.Error()
	}
	if !j.judged {
		return reports.HarnessError, "the check ended without looking at this requirement"
	}
	return reports.Pass, r.passReason()
}

// passReason tells what the oracles saw.
func (r *Run) passReason() string {
	var seen []string
	for _, s := range r.steps {
		if s.Kind == reports.Oracle && s.Outcome != "" && !slices.Contains(seen, s.Outcome) {
			seen = append(seen, s.Outcome)
		}
	}
	return strings.Join(seen, "; ")
}
