// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/triage"
)

// suspects returns the cases among which the culprit is: the one after which the anomaly was seen,
// those that were under way, and all of the round.
func (c *Campaign) suspects(s *sighting) (lists [][]model.ID) {
	if s.id != nil {
		lists = append(lists, []model.ID{*s.id})
	}
	var flying, all []model.ID
	for _, l := range c.lanes {
		flying = append(flying, l.inFlight...)
		all = append(append(all, l.ran...), l.inFlight...)
	}
	if len(flying) > 0 {
		lists = append(lists, flying)
	}
	return append(lists, all)
}

// investigate makes a finding of an anomaly, unless it does not come about again and there is
// nothing to show for it.
func (c *Campaign) investigate(ctx context.Context, s *sighting) error {
	log := c.log()
	var culprit triage.Culprit
	var list []model.ID
	for _, list = range c.suspects(s) {
		scripts := make([]*conversation.Script, 0, len(list))
		for _, id := range list {
			k := c.planner.Case(id)
			scripts = append(scripts, k.Script())
		}
		var err error
		if culprit, err = c.bed.Find(ctx, s.anomaly, scripts, c.opts.Effort); err != nil && ctx.Err() == nil {
			return err
		}
		if culprit.Reproduced > 0 {
			break
		}
	}
	a := culprit.Anomaly
	if culprit.Reproduced == 0 && a.Kind != monitor.Crash && a.Kind != monitor.Oracle {
		c.progress.Transient++ // a machine that was busy, most likely
		return nil
	}
	f := finding.New(&a)
	f.Confirmed = culprit.Reproduced == triage.Confirmations
	f.Reproduced = fmt.Sprintf("%d of %d", culprit.Reproduced, triage.Confirmations)
	f.Seed, f.Cases, f.After = c.opts.Seed, c.progress.Cases, time.Since(c.began)
	f.Duplicates = s.times - 1
	if s.id != nil {
		f.Case = s.id.String()
	} else if len(list) == 1 {
		f.Case = list[0].String()
	}
	f.Log = log
	f.Replay = c.opts.Replay + " " + filepath.Join(c.opts.Dir, f.ScriptFile())
	script := culprit.Script.Clone()
	script.Comment = slices.Concat([]string{f.String(), fmt.Sprintf("seed %d, seen after %d cases", f.Seed, f.Cases)}, script.Comment)
	known := c.store.Known(f.Signature) != nil
	if err := c.store.Add(f, script); err != nil {
		return err
	}
	if !known && c.opts.Found != nil {
		c.opts.Found(f)
	}
	return nil
}

// maxLog is how many lines of the system's log go with a finding.
const maxLog = 100

func (c *Campaign) log() []string {
	p := c.bed.Target.Process()
	if p == nil {
		return nil
	}
	lines := p.Output()
	return lines[max(0, len(lines)-maxLog):]
}
