// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

// reachTimeout bounds the first look at a system: three transmissions of a SYN or an INIT.
const reachTimeout = 3 * time.Second

// Reach tries the doors and returns an error when none of them takes an association.
func Reach(ctx context.Context, doors []sut.Door) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	var first error
	tried := 0
	for _, d := range doors {
		if d.Transport == association.UDP {
			continue
		}
		tried++
		dialer := association.Dialer{Transport: d.Transport, UDPPort: d.EncapsulationPort, PPID: d.Protocol.PPID()}
		a, err := dialer.Dial(ctx, d.Addr)
		if err == nil {
			return a.Abort("only looking")
		}
		if errors.Is(err, association.ErrAborted) && ctx.Err() == nil {
			err = errors.New("refused")
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", d, err)
		}
	}
	if tried == 0 {
		return nil
	}
	return fmt.Errorf("%w: none of its %d doors takes an association; %w", sut.ErrUnreachable, tried, first)
}

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
