// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/triage"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Status is how far a campaign is.
type Status struct {
	Progress
	Findings int
	Rate     float64 // cases a second in this run
}

// Summary is what came of a campaign.
type Summary struct {
	Progress
	Why      string        // it ended
	Ran      time.Duration // this run
	NewCases uint64        // of this run
	Findings []*finding.Finding
	Novel    int // ways to answer that were seen
	Failure  error
	// Passed are the files of the corpus that were passed over, with the reason.
	Passed []string
	// Unseen says where the fuzzer has not been, or was blind: findings there would have been missed.
	Unseen []string
}

// Campaign is a campaign under way.
type Campaign struct {
	opts    Options
	bed     *triage.Bed
	world   *model.World
	planner *model.Planner
	corpus  *corpus
	store   *finding.Store
	journal *journal
	limit   *limiter
	lanes   []*lane

	progress Progress
	base     uint64 // cases of earlier runs
	began    time.Time
	sinceUp  uint64 // cases since the system was started
	quick    int    // deaths in a row after few cases
	follow   []model.ID
	killers  []killer // only changed between rounds
	// unconfirmed counts anomalies that were seen and did not come about again, by signature.
	unconfirmed map[string]int
	saved       time.Time

	mu    sync.Mutex
	novel map[uint64]bool
}

// Why a campaign ended.
const (
	WhyCases       = "all cases were run"
	WhyTime        = "the time was over"
	WhyInterrupted = "it was interrupted"
	WhyDying       = "the system under test dies again and again"
	WhyGone        = "the system under test cannot be reached any more"
)

// victim is the identifier of the honest element of a campaign.
func victim(seed uint64) wire.PEID { return wire.PEID(0x5e<<24 | uint32(seed*2654435761)>>8) }

// NewBed returns the bed of a target as campaigns have it, for replays too.
func NewBed(o Options) *triage.Bed {
	return &triage.Bed{Target: o.Target, Victim: victim(o.Seed), Patterns: o.Patterns, SlowAfter: o.SlowAfter, MemoryGrowth: o.MemoryGrowth}
}

// Run runs a campaign. The error is about what kept it from running: ErrOptions and those of a
// journal, a store, or a system that cannot be reached. What is found is in the summary and in the
// directory in any case.
func Run(ctx context.Context, o Options) (*Summary, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Campaign{opts: o, limit: newLimiter(o.Rate, o.Shards), bed: NewBed(o), began: time.Now(), unconfirmed: map[string]int{}}
	var err error
	if c.store, err = finding.OpenStore(o.Dir); err != nil {
		return nil, err
	}
	if err := c.bed.Start(ctx); err != nil {
		return nil, err
	}
	defer c.bed.Stop()
	c.world = c.bed.System.World(c.bed.Callers)
	if len(o.Roles) > 0 {
		c.world.Parts = slices.DeleteFunc(c.world.Parts, func(p model.Part) bool { return !slices.Contains(o.Roles, p.Role) })
	}
	if len(c.world.Parts) == 0 {
		return nil, fmt.Errorf("%w: nobody in the roles %q is let in", ErrOptions, o.Roles)
	}
	corpus, err := readCorpus(o.Corpus)
	if err != nil {
		return nil, err
	}
	c.world.Corpus, c.corpus = corpus.messages, corpus
	c.planner = &model.Planner{Seed: o.Seed, World: c.world}
	if err := c.open(); err != nil {
		return nil, err
	}
	for range o.Lanes {
		c.lanes = append(c.lanes, &lane{c: c, ends: map[endKey]*ending{}, coverage: Coverage{}})
	}
	c.learnKillers()
	why, failure := c.loop(ctx)
	return c.finish(why, failure)
}

// open begins or resumes the journal.
func (c *Campaign) open() error {
	h := Header{
		Schema: JournalID, Subject: c.opts.Subject, Seed: c.opts.Seed, Shard: c.opts.Shard, Shards: c.opts.Shards,
		Secured: c.world.Secured, IPv6: c.world.IPv6, Pools: []string{c.world.Pool, c.world.OtherPool}, Started: c.began.UTC().Truncate(time.Second),
	}
	h.Corpus = c.corpus.sum
	for _, p := range c.world.Parts {
		h.Callers = append(h.Callers, p.Caller.String())
	}
	j, old, err := openJournal(c.opts.Dir, h, c.opts.Resume)
	if err != nil {
		return err
	}
	c.journal, c.progress, c.novel, c.base = j, old.progress, old.novel, old.progress.Cases
	if c.progress.Coverage == nil {
		c.progress.Coverage = Coverage{}
	}
	return nil
}

// isNovel tells whether the key is new, and remembers it.
func (c *Campaign) isNovel(key uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.novel[key] || len(c.novel) >= maxNovel {
		return false
	}
	c.novel[key] = true
	return true
}

// loop runs rounds until something ends the campaign.
func (c *Campaign) loop(ctx context.Context) (why string, failure error) {
	for {
		switch {
		case ctx.Err() != nil:
			return WhyInterrupted, nil
		case c.opts.Cases > 0 && c.progress.Cases >= c.opts.Cases:
			return WhyCases, nil
		case c.opts.Time > 0 && time.Since(c.began) >= c.opts.Time:
			return WhyTime, nil
		case c.quick >= maxQuickDeaths, c.progress.Deaths >= c.opts.MaxDeaths:
			return WhyDying, nil
		}
		r := c.round(ctx)
		if err := c.settle(ctx, r); err != nil {
			if ctx.Err() != nil {
				return WhyInterrupted, nil
			}
			return WhyGone, err
		}
		if err := c.checkpoint(); err != nil {
			return "the journal cannot be written", err
		}
	}
}

// round runs a round.
func (c *Campaign) round(parent context.Context) *round {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	if c.opts.Time > 0 {
		var end context.CancelFunc
		ctx, end = context.WithDeadline(ctx, c.began.Add(c.opts.Time))
		defer end()
	}
	r := &round{c: c, cancel: cancel, until: time.Now().Add(roundTime), blocks: c.blocks()}
	follow := c.follow
	c.follow = nil
	for _, l := range c.lanes {
		l.ran, l.inFlight, l.cut, l.granted = l.ran[:0], l.inFlight[:0], l.cut[:0], l.granted[:0]
	}
	all := r.blocks
	r.run(ctx, follow)
	if n := len(all) - len(r.blocks); n > 0 {
		c.progress.Block = all[n-1] + 1
	}
	if parent.Err() != nil && len(r.begun) > 0 { // a resumed campaign runs these blocks again
		c.progress.Block = slices.Min(r.begun)
	}
	return r
}

// blocks returns the blocks of this shard that are left of the phase, as many as the case budget has.
func (c *Campaign) blocks() (list []uint64) {
	left := roundBlocks
	if c.opts.Cases > 0 {
		left = min(left, int((c.opts.Cases-c.progress.Cases+model.BlockSize-1)/model.BlockSize))
	}
	phase := c.progress.Block / model.PhaseBlocks
	for number := c.progress.Block; len(list) < left; number++ {
		if number/model.PhaseBlocks != phase && len(list) > 0 {
			break
		}
		phase = number / model.PhaseBlocks
		if int(number%uint64(c.opts.Shards)) == c.opts.Shard {
			list = append(list, number)
		}
	}
	return list
}

// checkpoint writes the progress, with the coverage from time to time.
func (c *Campaign) checkpoint() error {
	p := c.progress
	p.Elapsed += time.Since(c.began)
	p.Restarts += c.bed.Restarts
	const often = 10 * time.Second
	if time.Since(c.saved) < often {
		p.Coverage = nil
	} else {
		c.saved = time.Now()
	}
	if c.opts.Progress != nil {
		c.opts.Progress(Status{Progress: p, Findings: len(c.store.List()), Rate: float64(p.Cases-c.base) / time.Since(c.began).Seconds()})
	}
	return c.journal.write(entry{Progress: &p})
}

// finish writes what is left to write.
func (c *Campaign) finish(why string, failure error) (*Summary, error) {
	c.saved = time.Time{}
	err := errors.Join(c.checkpoint(), c.journal.write(entry{End: why}), c.journal.close(), c.store.Save())
	p := c.progress
	p.Elapsed += time.Since(c.began)
	p.Restarts += c.bed.Restarts
	s := &Summary{
		Progress: p, Why: why, Ran: time.Since(c.began), NewCases: p.Cases - c.base,
		Findings: c.store.List(), Novel: len(c.novel), Failure: failure, Passed: c.corpus.passed, Unseen: c.bed.Unseen(),
	}
	if err != nil {
		return s, fmt.Errorf("campaign %s: %w", c.opts.Dir, err)
	}
	return s, nil
}
