// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// Engine runs checks against one target.
type Engine struct {
	Target  sut.Target
	Ledger  *ledger.Ledger
	Checks  []Check
	Command string // how a user repeats the run, up to the selection
	Seed    uint64 // identifiers are drawn from it
	// Sabotage switches a fault of the harness on, to show what comes of it; "" none.
	Sabotage Sabotage
	// Reach tells why the system takes no association at all; nil does not ask. It is asked
	// before the first check, and again when one was inconclusive: a system that is not
	// there is not worth waiting for check by check.
	Reach func(ctx context.Context) error
}

// Outcome is what one check came to.
type Outcome struct {
	Check   reports.Check
	Capture *reports.Capture
	Results []reports.Result // one for each requirement that was asked for
}

// closeTimeout bounds the end of an instance after its check.
const closeTimeout = 5 * time.Second

// RunCheck runs one check and judges those of its requirements that wanted accepts.
func (e *Engine) RunCheck(ctx context.Context, c *Check, wanted func(id string) bool) Outcome {
	started := time.Now()
	out := Outcome{Check: reports.Check{
		ID: c.ID, Section: c.Section, Role: string(c.Role), Title: c.Title, Threat: c.Threat, Started: started,
		Command: e.Command + " --requirement " + strings.Join(c.Requirements, ","),
	}}
	verdict, reason, r := reports.Unsupported, "", (*Run)(nil)
	if slices.ContainsFunc(c.Requirements, func(id string) bool { return wanted(id) && e.declined(id, c.Section, c.Role) == "" }) {
		verdict, reason, r = e.attempt(ctx, c)
	}
	if r != nil {
		if left := r.rec.leftOut(); left > 0 {
			r.Note("the capture is not complete: %d packets are left out", left)
		}
	}
	for _, id := range c.Requirements {
		if !wanted(id) {
			continue
		}
		result := e.result(c, id)
		result.Started, result.Duration = started, time.Since(started)
		result.Verdict, result.Reason = verdict, reason
		if declined := e.declined(id, c.Section, c.Role); declined != "" {
			result.Verdict, result.Reason = reports.Unsupported, declined
			out.Results = append(out.Results, result)
			continue
		}
		if r != nil {
			result.Verdict, result.Reason = r.conclude(ctx, id)
			result.Information = r.notes
			result.Certainty = certainty(r.partial)
		}
		out.Results = append(out.Results, result)
	}
	out.Check.Duration = time.Since(started)
	if r != nil {
		out.Check.Steps = r.steps
		out.Check.Messages, out.Check.MessagesOmitted = r.rec.said()
		out.Check.Before, out.Check.After = r.before, r.after
		out.Check.Log = r.log()
		out.Check.Plots = r.plots
		out.Capture = r.rec.capture()
		annotate(out.Capture, r.steps, c.Requirements)
	}
	return out
}

// decliner is a target whose system says in its configuration what it does not do.
type decliner interface {
	Declines(requirement, section string, role sut.Role) string
}

// declined is the system's own word that it does not do what a requirement is about.
func (e *Engine) declined(id, section string, role Role) string {
	target, ok := e.Target.(decliner)
	if !ok || !slices.Contains(e.Target.Roles(), role) {
		return ""
	}
	return target.Declines(id, section, role)
}

// annotate replaces the step numbers in the comments of the frames by the steps' titles and what the check is about.
func annotate(c *reports.Capture, steps []reports.Step, requirements []string) {
	about := strings.Join(requirements, ", ")
	for i := range c.Frames {
		var n int
		if _, err := fmt.Sscanf(c.Frames[i].Comment, "step %d", &n); err == nil && n >= 1 && n <= len(steps) {
			c.Frames[i].Comment = fmt.Sprintf("step %d, %s: %s (%s)", n, steps[n-1].Kind, steps[n-1].Title, about)
		}
	}
}

func certainty(partial []string) string {
	if len(partial) == 0 {
		return "certain"
	}
	s := "less certain: "
	for i, p := range partial {
		if i > 0 {
			s += "; "
		}
		s += p
	}
	return s
}

// attempt prepares an instance and runs the check on it. Without a Run the verdict and the
// reason hold for all its requirements.
func (e *Engine) attempt(ctx context.Context, c *Check) (verdict reports.Verdict, reason string, r *Run) {
	if ctx.Err() != nil {
		return reports.Inconclusive, errInterrupted.Error(), nil
	}
	if c.Rung > e.Target.Rung() {
		return reports.NotApplicable, fmt.Sprintf("needs rung %d, the system under test is at rung %d", c.Rung, e.Target.Rung()), nil
	}
	if roles := e.Target.Roles(); !slices.Contains(roles, c.Role) {
		return reports.NotApplicable, fmt.Sprintf("is about a %s, and the system under test has none", c.Role), nil
	}
	security := c.Security
	if security == "" {
		security = e.Target.Security()
	}
	wanted := c.Wanted
	wanted.Role, wanted.Security = c.Role, security
	instance, err := e.Target.Prepare(ctx, wanted)
	switch {
	case errors.Is(err, sut.ErrNoVariant):
		return reports.NotApplicable, fmt.Sprintf("is about a %s that is %s; this one is declared %s", c.Role, security, e.Target.Security()), nil
	case errors.Is(err, sut.ErrUnsupported):
		return reports.Unsupported, err.Error(), nil
	case err != nil:
		return reports.Inconclusive, "the system under test could not be prepared: " + err.Error(), nil
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		// The verdict stands; what cannot be closed ends with the process.
		if err := instance.Close(ctx); r != nil && (errors.Is(err, sut.ErrAdapter) || errors.Is(err, sut.ErrUnreachable)) {
			r.Note("at the end of the check: %v", err)
		}
	}()
	if c.Applies != nil {
		if reason := c.Applies(instance); reason != "" {
			return reports.NotApplicable, reason, nil
		}
	}
	r = e.newRun(c, instance)
	bounded, cancel := context.WithTimeout(ctx, r.deadline())
	defer cancel()
	r.execute(bounded)
	return "", "", r
}

func (e *Engine) newRun(c *Check, instance *sut.Instance) *Run {
	r := &Run{
		Instance: instance, check: c, rec: &recorder{},
		levels: make(map[string]ledger.Level), verdict: make(map[string]*judgement),
		random: randomFor(e.Seed, c.ID), started: time.Now(), declined: &witness{Driver: instance.Driver},
	}
	if instance.Driver != nil {
		instance.Driver = r.declined
	}
	r.rec.sabotage = e.Sabotage
	r.World = &actor.World{Instance: instance, Recorder: r.rec, Blind: e.Sabotage == BlindOracle}
	for _, id := range c.Requirements {
		r.verdict[id] = &judgement{}
		if req, err := e.Ledger.Find(id); err == nil {
			r.levels[id] = req.Level
		}
	}
	return r
}

// randomFor draws from seed and the check's name, so that checks on one shared system do
// not get in each other's way and a run can be repeated.
func randomFor(seed uint64, id string) func() uint32 {
	const fnvOffset, fnvPrime = 14695981039346656037, 1099511628211
	h := uint64(fnvOffset)
	for _, b := range []byte(id) {
		h = (h ^ uint64(b)) * fnvPrime
	}
	source := rand.NewPCG(seed, h)
	var mu sync.Mutex
	return func() uint32 {
		mu.Lock()
		defer mu.Unlock()
		return uint32(source.Uint64()>>32) | 1 // never 0, which means "no identifier"
	}
}

// ResultID names the judgement of a requirement on a role.
func ResultID(requirement string, role Role) string {
	return ledger.ResultID(requirement, string(role))
}

func (e *Engine) result(c *Check, id string) reports.Result {
	req, err := e.Ledger.Find(id)
	if err != nil {
		return reports.Result{ID: ResultID(id, c.Role), Requirement: id, Verdict: reports.HarnessError, Reason: err.Error()}
	}
	out := e.describe(req, string(c.Role))
	out.Rung, out.Faults, out.Check, out.Command = c.Rung, sut.FaultsFor(id, c.Role), c.ID, e.Command+" --requirement "+id
	return out
}
