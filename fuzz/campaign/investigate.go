// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/triage"
	"github.com/rspthreat/rspthreat/reports"
)

// suspects returns the cases among which the culprit is: the one after which the anomaly was seen,
// those that were under way, and all of the round.
func (c *Campaign) suspects(s *sighting) (lists [][]model.ID) {
	if s.anomaly.Idle > 0 {
		return [][]model.ID{nil} // it does not take a case
	}
	if s.id != nil {
		lists = append(lists, []model.ID{*s.id})
	}
	var flying, all []model.ID
	for _, l := range c.lanes {
		flying = append(flying, l.unresolved()...)
		all = append(append(all, l.ran...), l.unresolved()...)
	}
	if len(flying) > 0 {
		lists = append(lists, flying)
	}
	return append(lists, all)
}

// investigate makes a finding of an anomaly, unless it does not come about again and there is
// nothing to show for it. What was seen of a system that cannot be started any more is kept as it is.
func (c *Campaign) investigate(ctx context.Context, s *sighting) error {
	log := c.log()
	var culprit triage.Culprit
	var list []model.ID
	var gone error
	for _, list = range c.suspects(s) {
		scripts := make([]*conversation.Script, 0, len(list))
		for _, id := range list {
			k := c.planner.Case(id)
			scripts = append(scripts, k.Script())
		}
		if s.anomaly.Idle > 0 {
			scripts = append(scripts, &conversation.Script{Steps: []conversation.Step{{Kind: conversation.Idle, Time: s.anomaly.Idle}}})
		}
		var err error
		if culprit, err = c.bed.Find(ctx, s.anomaly, scripts, c.opts.Effort); err != nil && ctx.Err() == nil {
			gone = err
			if culprit.Reproduced == 0 { // the best there is to show is all that was under way
				culprit.Script = conversation.Join(scripts[max(0, len(scripts)-model.BlockSize):]...)
			}
		}
		if culprit.Reproduced > 0 || gone != nil {
			break
		}
	}
	a := culprit.Anomaly
	if gone == nil && c.transient(&culprit) {
		c.progress.Transient++
		seen := fleeting{What: string(a.Kind) + ": " + a.Rule, Detail: s.anomaly.Detail, Cases: c.progress.Cases}
		if s.id != nil {
			seen.Case = s.id.String()
		}
		c.progress.let(seen.What, 1)
		return c.journal.write(entry{Fleeting: &seen})
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
	if !known && gone == nil {
		if err := c.capture(ctx, f, script); err != nil {
			return err
		}
	}
	if !known && c.opts.Found != nil {
		c.opts.Found(f)
	}
	return gone
}

// capture runs the script once more and keeps what crosses the wire.
func (c *Campaign) capture(ctx context.Context, f *finding.Finding, script *conversation.Script) error {
	once := script.Clone()
	once.Repeat = min(once.Repeat, maxCaptured) // as much as a person looks at
	var e finding.Evidence
	switch err := c.bed.Show(ctx, once, &e); {
	case err != nil && !errors.Is(err, triage.ErrCutShort):
		return err
	case err != nil && ctx.Err() == nil && e.Empty():
		return nil // it died before anything was to be seen; the script is there
	}
	doors := make([]reports.Door, 0, len(c.bed.System.Doors))
	for _, d := range c.bed.System.Doors {
		doors = append(doors, reports.Door{Protocol: strings.ToLower(d.Protocol.String()), Transport: string(d.Transport), Secured: d.Secured, Address: d.Addr.String()})
	}
	return c.store.Capture(f, &e, doors)
}

// maxCaptured is how many repetitions of a script are captured.
const maxCaptured = 10

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

// strikes is how often an anomaly that does not come about again is let go.
const strikes = 3

// transient tells whether there is too little to show for an anomaly. A death speaks for itself.
// That something took long has to come about again every time, as the machine may have been busy;
// what else was answered wrongly and cannot be repeated is a finding when it is seen several times.
func (c *Campaign) transient(culprit *triage.Culprit) bool {
	switch culprit.Anomaly.Kind {
	case monitor.Crash:
		return false
	case monitor.Hang, monitor.Slow, monitor.Memory:
		return culprit.Reproduced < triage.Confirmations
	}
	if culprit.Reproduced > 0 {
		return false
	}
	c.unconfirmed[culprit.Anomaly.Signature()]++
	return c.unconfirmed[culprit.Anomaly.Signature()] < strikes
}
