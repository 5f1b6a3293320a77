// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reports"
)

// reached remembers that the system is gone.
type reached struct {
	look func(context.Context) error
	mu   sync.Mutex
	gone error
}

func (r *reached) ask(ctx context.Context) {
	if r.look == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone == nil && ctx.Err() == nil {
		r.gone = r.look(ctx)
	}
}

func (r *reached) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

// runOrGiveUp runs a check unless the system is gone.
func (e *Engine) runOrGiveUp(ctx context.Context, c *Check, r *reached, wanted func(string) bool) Outcome {
	if err := r.err(); err != nil {
		return e.outcomeOf(c, wanted, reports.Inconclusive, err.Error())
	}
	out := e.RunCheck(ctx, c, wanted)
	if slices.ContainsFunc(out.Results, func(r reports.Result) bool { return r.Verdict == reports.Inconclusive }) {
		r.ask(ctx)
	}
	return out
}

// outcomeOf is the outcome of a check that was not run.
func (e *Engine) outcomeOf(c *Check, wanted func(string) bool, v reports.Verdict, reason string) Outcome {
	out := Outcome{Check: reports.Check{
		ID: c.ID, Section: c.Section, Role: string(c.Role), Title: c.Title, Threat: c.Threat, Started: time.Now(),
	}}
	for _, id := range c.Requirements {
		if wanted(id) {
			result := e.result(c, id)
			result.Started, result.Verdict, result.Reason = out.Check.Started, v, reason
			out.Results = append(out.Results, result)
		}
	}
	return out
}
