// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
)

// round is what happens between two looks.
type round struct {
	c      *Campaign
	cancel context.CancelFunc

	mu     sync.Mutex
	seen   []*sighting
	follow []model.ID // cases that were answered in a new way
	down   error      // the system takes no association
	blocks []uint64   // still to be run
	begun  []uint64   // and not ended
	until  time.Time
}

// sighting is an anomaly and the case after which it was seen.
type sighting struct {
	anomaly monitor.Anomaly
	id      *model.ID // nil: some case of the round
	times   int
}

// anomaly takes note. Those after which nothing will be answered end the round.
func (r *round) anomaly(a monitor.Anomaly, id model.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a.Kind == monitor.Hang || a.Kind == monitor.Crash {
		r.cancel()
	}
	for _, s := range r.seen {
		if s.anomaly.Signature() == a.Signature() {
			s.times++
			return
		}
	}
	r.seen = append(r.seen, &sighting{a, &id, 1})
}

// unreachable says that no association can be set up any more.
func (r *round) unreachable(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down == nil {
		r.down = err
	}
	r.cancel()
}

// followUp has variants of the case run in the next round.
func (r *round) followUp(id model.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(id.Variant) < model.MaxVariants && len(r.follow)*variants < maxFollowUps {
		r.follow = append(r.follow, id)
	}
}

// next gives the next block, false when the round is over.
func (r *round) next() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.blocks) == 0 || time.Now().After(r.until) {
		return 0, false
	}
	b := r.blocks[0]
	r.blocks, r.begun = r.blocks[1:], append(r.begun, b)
	return b, true
}

// done says that a block has ended, if it was not cut short.
func (r *round) done(ctx context.Context, block uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() == nil {
		r.begun = slices.DeleteFunc(r.begun, func(b uint64) bool { return b == block })
	}
}

// run has the lanes run the follow-ups of the last round, and blocks until there are none or the
// time is over.
func (r *round) run(ctx context.Context, follow []model.ID) {
	var work sync.WaitGroup
	for n, l := range r.c.lanes {
		l.round = r
		work.Go(func() {
			for i := n; i < len(follow) && ctx.Err() == nil; i += len(r.c.lanes) {
				l.run(ctx, r.c.planner.Block(follow[i].Block()), variantsOf(follow[i]))
			}
			for ctx.Err() == nil {
				number, ok := r.next()
				if !ok {
					return
				}
				l.run(ctx, r.c.planner.Block(number), idsOf(number))
				r.done(ctx, number)
			}
		})
	}
	work.Wait()
}

func variantsOf(id model.ID) []model.ID {
	ids := make([]model.ID, variants)
	for i := range ids {
		ids[i] = id.Child(uint32(i))
	}
	return ids
}

func idsOf(block uint64) []model.ID {
	ids := make([]model.ID, model.BlockSize)
	for i := range ids {
		ids[i] = model.ID{Root: block*model.BlockSize + uint64(i)}
	}
	return ids
}
