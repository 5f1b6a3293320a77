// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/fuzz/triage"
)

// Options describe a campaign. Zero fields have defaults.
type Options struct {
	Target  target.Target
	Subject string // name of the system, for the journal
	Dir     string // of journal and findings
	Resume  bool
	Seed    uint64
	// Shard of Shards is the part of the campaign that is run: the blocks whose number leaves it
	// as remainder.
	Shard, Shards int
	// Cases and Time end the campaign, whichever comes first; 0: never. Cases counts those of
	// all runs of a resumed campaign, Time is for this run.
	Cases uint64
	Time  time.Duration
	// Rate bounds the cases a second of all shards together; 0 does not.
	Rate  float64
	Lanes int // blocks at once
	// Depth is how many cases go in one flight; 1 waits for each.
	Depth int
	// Reconnect gives each case an association of its own.
	Reconnect bool
	// Corpus is a directory of messages, a file each, that cases begin with, too; "" for none.
	Corpus string
	// Roles are those that are played; none: all.
	Roles []model.Role
	// Patterns beside the default ones tell lines of the log that mean that something is wrong.
	Patterns     []*regexp.Regexp
	SlowAfter    time.Duration // 0: only what the system has for an answer counts
	MemoryGrowth int64         // octets; 0: DefaultMemoryGrowth; negative: any
	MaxDeaths    int           // deaths after which the campaign stops
	Effort       triage.Effort // for each finding
	// Replay is the command that replays a script, which is appended to it.
	Replay string
	// Progress is told from time to time how far the campaign is.
	Progress func(Status)
	// Found is told about each finding when it is written.
	Found func(*finding.Finding)
}

// What zero means in Options.
const (
	DefaultLanes = 4
	// DefaultDepth has one system call carry the messages of many cases.
	DefaultDepth = 16
	// DefaultMemoryGrowth is above what the handlespace that a campaign fills by right, the buffers of its associations
	// and a garbage collector that lets it double come to.
	DefaultMemoryGrowth = 512 << 20
	// DefaultMaxDeaths is above the number of different deaths that a system has been seen to die.
	DefaultMaxDeaths = 100
)

// Bounds of a campaign.
const (
	// roundBlocks and roundTime bound a round: what brought an anomaly about is looked for among its cases.
	roundBlocks = 64
	roundTime   = 2 * time.Second
	// variants is how many are run of a case that was answered in a new way.
	variants = 8
	// maxFollowUps bounds the variants of a round to a share of its cases.
	maxFollowUps = roundBlocks * 64 / 4
	// maxNovel bounds the ways to answer that are remembered; beyond it nothing is new.
	maxNovel = 1 << 16
	// fewCases: a system that dies before this many cases are run since its start dies again and again.
	fewCases = 16
	// maxQuickDeaths is how often in a row it may do so.
	maxQuickDeaths = 10
)

// ErrOptions says that a campaign cannot be run like that.
var ErrOptions = errors.New("campaign")

func (o *Options) complete() error {
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Shard < 0 || o.Shard >= o.Shards {
		return fmt.Errorf("%w: shard %d/%d: from 0 to %d", ErrOptions, o.Shard, o.Shards, o.Shards-1)
	}
	if o.Rate < 0 {
		return fmt.Errorf("%w: rate %g is negative", ErrOptions, o.Rate)
	}
	set := func(v *int, byDefault int) {
		if *v <= 0 {
			*v = byDefault
		}
	}
	set(&o.Lanes, DefaultLanes)
	set(&o.Depth, DefaultDepth)
	set(&o.MaxDeaths, DefaultMaxDeaths)
	if o.Reconnect {
		o.Depth = 1
	}
	if o.MemoryGrowth == 0 {
		o.MemoryGrowth = DefaultMemoryGrowth
	}
	if o.Effort == (triage.Effort{}) {
		o.Effort = triage.DefaultEffort()
	}
	o.Patterns = append(monitor.DefaultPatterns(), o.Patterns...)
	return nil
}
