// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/triage"
)

// settle looks at the system after a round and deals with what was seen.
func (c *Campaign) settle(ctx context.Context, r *round) error {
	peers := false
	for _, l := range c.lanes {
		c.progress.Cases += l.cases
		c.progress.Messages += l.messages
		c.progress.Avoided += l.avoided
		c.sinceUp += l.cases
		c.progress.Coverage.add(l.coverage)
		for _, n := range l.novel {
			if err := c.journal.write(entry{Novel: &n}); err != nil {
				return err
			}
		}
		for _, g := range l.granted {
			c.bed.Watch.Accept(g.Pool, g.ID)
		}
		l.cases, l.messages, l.avoided, l.novel = 0, 0, 0, l.novel[:0]
		clear(l.coverage)
		peers = peers || c.hasPeers(l.ran) || c.hasPeers(l.unresolved())
	}
	c.follow = r.follow
	if peers {
		c.bed.Watch.PeersSpoke()
	}
	if ctx.Err() != nil && len(r.seen) == 0 && r.down == nil {
		return nil
	}
	c.inspect(context.WithoutCancel(ctx), r)
	return c.handle(ctx, r)
}

func (c *Campaign) hasPeers(ids []model.ID) bool {
	for i := 0; i < len(ids); i++ {
		if i > 0 && ids[i].Block() == ids[i-1].Block() {
			continue
		}
		if c.planner.Block(ids[i].Block()).Part.Role == model.Peer {
			return true
		}
	}
	return false
}

// inspect adds what the honest nodes and the process show.
func (c *Campaign) inspect(ctx context.Context, r *round) {
	if r.down != nil {
		if a, dead := c.bed.Death(ctx, triage.DeathGrace); dead {
			r.seen = append([]*sighting{{anomaly: a, times: 1}}, r.seen...)
			return
		}
		if err := c.bed.Reachable(ctx); err != nil {
			r.seen = append(r.seen, &sighting{anomaly: monitor.Anomaly{Kind: monitor.Crash, Rule: "nobody listens any more", Detail: err.Error()}, times: 1})
			return
		}
	}
	got := slices.ContainsFunc(r.seen, func(s *sighting) bool { return s.anomaly.Kind == monitor.Oracle })
	for _, a := range c.bed.Look(ctx) {
		s := &sighting{anomaly: a, times: 1}
		if got && a.Kind == monitor.Oracle {
			c.bed.Watch.PeersSpoke()
			continue // what somebody got who may not have it shows in the handlespace
		}
		if a.Kind == monitor.Crash {
			r.seen = append([]*sighting{s}, r.seen...)
		} else {
			r.seen = append(r.seen, s)
		}
	}
}

// handle makes findings of what was seen, and restarts a system that needs it.
func (c *Campaign) handle(ctx context.Context, r *round) error {
	harmed := false
	for n, s := range r.seen {
		a := s.anomaly
		switch a.Kind {
		case monitor.Crash:
			c.died()
			harmed = true
		case monitor.Hang, monitor.Refused, monitor.Memory, monitor.Flood:
			harmed = true
		}
		if known := c.store.Known(a.Signature()); known != nil {
			known.Duplicates += s.times
			if err := c.store.Save(); err != nil {
				return err
			}
			continue
		}
		if n > 0 && r.seen[0].anomaly.Kind == monitor.Crash {
			continue // what a dying system answered
		}
		if err := c.investigate(ctx, s); err != nil {
			return err
		}
		harmed = true
	}
	if !harmed {
		return nil
	}
	c.sinceUp = 0
	c.learnKillers()
	return c.bed.Start(context.WithoutCancel(ctx))
}

// died counts a death.
func (c *Campaign) died() {
	c.progress.Deaths++
	if c.sinceUp < fewCases {
		c.quick++
	} else {
		c.quick = 0
	}
}
