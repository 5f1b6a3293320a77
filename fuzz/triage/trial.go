// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

// Try runs a script and returns the anomalies that it brings about: in what is answered, in what
// honest nodes see afterwards, and of the process. A system that an earlier script has harmed is
// replaced first. The script ends, and nobody looks, when enough says that what was answered so far
// is all that matters.
func (b *Bed) Try(ctx context.Context, s *conversation.Script, evidence link.Evidence, enough func([]monitor.Anomaly) bool) ([]monitor.Anomaly, []link.Exchange, error) {
	if b.dirty || b.Watch == nil {
		if err := b.Start(ctx); err != nil {
			return nil, nil, err
		}
	}
	r := b.runner(evidence)
	before := b.Grown()
	var found []monitor.Anomaly
	r.Enough = func(e *link.Exchange) bool {
		found = append(found, b.Judge.Exchange(e)...)
		return enough != nil && enough(found)
	}
	exchanges, err := r.Run(ctx, s)
	ended := err != nil
	for i := range exchanges {
		ended = ended || exchanges[i].Result.Ended != nil
		b.accept(&exchanges[i])
		if model.RoleOf(b.System.Secured, exchanges[i].Caller) == model.Peer {
			b.Watch.PeersSpoke()
		}
	}
	if grown := b.Grown() - before; b.MemoryGrowth > 0 && grown > b.MemoryGrowth/4 {
		found = append(found, monitor.Anomaly{Kind: monitor.Memory, Rule: "the process grows"})
	}
	if slices.ContainsFunc(found, func(a monitor.Anomaly) bool { return a.Kind == monitor.Hang || a.Kind == monitor.Memory }) {
		b.dirty = true
	}
	if enough != nil && enough(found) {
		if !b.dirty && b.Watch.Restore(ctx) != nil {
			b.dirty = true
		}
		return found, exchanges, ctx.Err()
	}
	if ended {
		wait := glance
		if len(found) > 0 || err != nil {
			wait = DeathGrace
		}
		if a, dead := b.Death(ctx, wait); dead {
			b.dirty = true
			return append(found, a), exchanges, ctx.Err()
		}
	}
	return append(found, b.Look(ctx)...), exchanges, ctx.Err()
}

// Show runs a script on a fresh system for the evidence alone: nobody looks what came of it.
func (b *Bed) Show(ctx context.Context, s *conversation.Script, evidence link.Evidence) error {
	if err := b.Start(ctx); err != nil {
		return err
	}
	b.dirty = true
	if _, err := b.runner(evidence).Run(ctx, s); err != nil {
		return fmt.Errorf("%w: %w", ErrCutShort, err)
	}
	return nil
}

// ErrCutShort says that a script could not be run to its end, as an association could not be set up.
var ErrCutShort = errors.New("the script was cut short")

func (b *Bed) runner(evidence link.Evidence) *link.Runner {
	return &link.Runner{
		System: b.System, Known: b.Watch.Known(), Evidence: evidence, Questions: b.Questions, Restart: b.fresh,
		Idle: func(ctx context.Context) { b.Watch.Look(ctx) },
	}
}

func (b *Bed) fresh(ctx context.Context) (*link.System, error) {
	if err := b.Start(ctx); err != nil {
		return nil, err
	}
	return b.System, nil
}

// accept tells the watch what was granted, as far as it was judged to be right.
func (b *Bed) accept(e *link.Exchange) {
	for _, g := range b.Judge.Grants(e) {
		b.Watch.Accept(g.Pool, g.ID)
	}
}
