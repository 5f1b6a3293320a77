// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// Run is one execution of a check. What a failed expectation means follows from the step it
// is in: in the baseline or the canary nothing can be said (inconclusive), in the attack the
// harness is at fault (harness-error), in an oracle the requirement is violated.
type Run struct {
	Instance *sut.Instance
	World    *actor.World

	check   *Check
	levels  map[string]ledger.Level
	rec     *recorder
	steps   []reports.Step
	before  actor.Snapshot
	after   actor.Snapshot
	notes   []string
	partial []string
	verdict map[string]*judgement
	random  func() uint32
	started time.Time
	plots   []reports.Plot
	logs    []func() []string
	// declined is what the system under test does not do by its own word, and unproven what
	// of it a canary needed: without one, silence proves nothing.
	declined *witness
	unproven error
}

type judgement struct {
	verdict reports.Verdict
	reasons []string
	judged  bool // an oracle has looked at this requirement
	// declined is the system's own word that it does not do what the check needs.
	declined string
}

// Step is the body of a step: it states expectations and returns what was seen.
type Step func(ctx context.Context, g gomega.Gomega) string

// Baseline takes an honest step before the attack. If it fails, the check ends inconclusive.
func (r *Run) Baseline(ctx context.Context, title string, f Step) {
	if message, ok := r.step(ctx, reports.Baseline, title, f); !ok {
		r.decline(r.declined.said())
		message = r.blame(ctx, message)
		r.worsen(reports.Inconclusive, "the honest operation does not work: "+message)
		panic(stop{})
	}
}

// Attack takes a step of the attacker. If the harness cannot make it, the check ends with a
// harness error: an attack that was not made, or of which nothing left the harness, proves
// nothing.
func (r *Run) Attack(ctx context.Context, title string, f Step) {
	before := r.rec.sent.Load()
	r.attack(ctx, title, func(ctx context.Context, g gomega.Gomega) string {
		outcome := f(ctx, g)
		g.Expect(r.rec.sent.Load()).To(gomega.BeNumerically(">", before), "nothing of it left the harness")
		return outcome
	})
}

// Passive takes a step of an attacker that only listens, or keeps something back: it sends
// nothing, so f has to make sure itself that there was something to attack.
func (r *Run) Passive(ctx context.Context, title string, f Step) { r.attack(ctx, title, f) }

func (r *Run) attack(ctx context.Context, title string, f Step) {
	r.rec.attacked.Store(true)
	if message, ok := r.step(ctx, reports.Attack, title, f); !ok {
		r.decline(r.declined.said())
		r.worsen(reports.HarnessError, "the attack could not be made: "+message)
		panic(stop{})
	}
}

// Canary takes an honest step after the attack. If it fails, silence of the system proves
// nothing and the check cannot pass; the oracles are still asked, for a violation counts. It
// returns whether the step succeeded, for oracles that look at what it brought.
func (r *Run) Canary(ctx context.Context, title string, f Step) bool {
	before := r.declined.count()
	message, ok := r.step(ctx, reports.Canary, title, f)
	if !ok && r.declined.count() > before {
		r.unproven = r.declined.said()
		r.steps[len(r.steps)-1].Verdict = reports.Unsupported
		return false
	}
	if !ok {
		message = r.blame(ctx, message)
		r.worsen(reports.Inconclusive, "the honest operation does not work after the attack: "+message)
	}
	return ok
}

// Oracle looks at what the attack has changed. An expectation that is not met violates the
// named requirements, or all of the check's when none is named.
func (r *Run) Oracle(ctx context.Context, title string, f Step, requirements ...string) {
	if ctx.Err() != nil {
		return // the run is being ended: what could not be done any more says nothing
	}
	if len(requirements) == 0 {
		requirements = r.check.Requirements
	}
	before := r.declined.count()
	message, ok := r.step(ctx, reports.Oracle, title, f)
	verdict := reports.Pass
	if !ok {
		if r.declined.count() > before {
			r.decline(r.declined.said())
		}
		if err := r.broken(ctx); err != nil {
			r.worsen(reports.Inconclusive, "nothing can be said of what is missing: "+err.Error())
			r.steps[len(r.steps)-1].Verdict = reports.Inconclusive
			panic(stop{})
		}
	}
	for _, id := range requirements {
		j := r.verdict[id]
		if j == nil {
			r.worsen(reports.HarnessError, "an oracle names "+id+", which the check does not judge")
			continue
		}
		j.judged = true
		if ok {
			continue
		}
		v := violation(r.levels[id])
		if v == reports.Pass {
			r.notes = append(r.notes, id+": "+message)
		} else {
			j.worsen(v, message)
		}
		verdict = reports.Worse(verdict, v)
	}
	r.steps[len(r.steps)-1].Verdict = verdict
}

// violation is the verdict on a requirement of that level that is not met.
func violation(level ledger.Level) reports.Verdict {
	switch level {
	case ledger.Should:
		return reports.Warn
	case ledger.Informative:
		return reports.Pass // informative statements give information and never fail
	default:
		return reports.Fail
	}
}

func (j *judgement) worsen(v reports.Verdict, reason string) {
	j.verdict = reports.Worse(j.verdict, v)
	if !slices.Contains(j.reasons, reason) {
		j.reasons = append(j.reasons, reason)
	}
}

func (r *Run) worsen(v reports.Verdict, reason string) {
	for _, j := range r.verdict {
		j.worsen(v, reason)
	}
}

// Note adds information that is not judged.
func (r *Run) Note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// LessCertain says why a pass is worth less than it could be.
func (r *Run) LessCertain(why string) {
	if why != "" && !slices.Contains(r.partial, why) {
		r.partial = append(r.partial, why)
	}
}

// Plot keeps a measurement for the reports.
func (r *Run) Plot(p reports.Plot) { r.plots = append(r.plots, p) }

// Since is how long the check has been going on, for the points of a plot.
func (r *Run) Since() time.Duration { return time.Since(r.started) }

// Need takes a baseline step that a system under test may decline: when f returns an error
// that is sut.ErrUnsupported, the check ends with that verdict, and with any other one it is
// inconclusive.
func (r *Run) Need(ctx context.Context, title string, f func(ctx context.Context) (string, error)) {
	var declined error
	r.Baseline(ctx, title, func(ctx context.Context, g gomega.Gomega) string {
		seen, err := f(ctx)
		if errors.Is(err, sut.ErrUnsupported) {
			declined = err
			return err.Error()
		}
		g.Expect(err).NotTo(gomega.HaveOccurred())
		return seen
	})
	r.decline(declined)
}

// decline ends the check when the system under test has said that it does not do what the
// last step needs: the requirements that were not judged yet are not.
func (r *Run) decline(declined error) {
	if declined == nil {
		return
	}
	r.steps[len(r.steps)-1].Verdict = reports.Unsupported
	for _, j := range r.verdict {
		if !j.verdict.Judged() && !j.judged {
			j.declined = declined.Error()
		}
	}
	panic(stop{})
}

// Logged adds a source of the log of the system under test, such as a node that was started.
func (r *Run) Logged(log func() []string) { r.logs = append(r.logs, log) }

// log is what the system under test has logged: the instance, and every node that was started.
func (r *Run) log() []string {
	lines := r.Instance.Log()
	for _, log := range r.logs {
		lines = append(lines, log()...)
	}
	return lines
}

// Before keeps the handlespace as it was before the attack.
func (r *Run) Before(s actor.Snapshot) { r.before = s }

// After keeps the handlespace as it was after the attack.
func (r *Run) After(s actor.Snapshot) { r.after = s }

// Capture is what has crossed the wire so far.
func (r *Run) Capture() *reports.Capture { return r.rec.capture() }

// Random returns a number that differs between the checks of a run, for identifiers.
func (r *Run) Random() uint32 { return r.random() }

// errInterrupted is the cause when a run is ended from outside.
var errInterrupted = errors.New("the run was ended before this check was")
