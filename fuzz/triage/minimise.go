// SPDX-License-Identifier: Apache-2.0

package triage

import (
	"context"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/mutate"
)

// Confirmations is how often a finding is repeated.
const Confirmations = 3

// Effort bounds what is spent on one finding.
type Effort struct {
	Trials int
	Time   time.Duration
}

// DefaultEffort is enough for some hundred restarts of a system that starts in a tenth of a second.
func DefaultEffort() Effort { return Effort{Trials: 1000, Time: time.Minute} }

// Culprit is what brings an anomaly about.
type Culprit struct {
	Anomaly monitor.Anomaly
	Script  *conversation.Script
	// Reproduced is how often of Confirmations it came about again; 0: it did not, and Script is
	// what was said when it was seen.
	Reproduced int
	Trials     int
}

// search looks for one anomaly.
type search struct {
	bed    *Bed
	want   monitor.Anomaly
	effort Effort
	until  time.Time
	trials int
	err    error
	// scanning has trials build upon each other.
	scanning bool
}

// Find looks for the scripts among the suspects, which are in the order in which they were run,
// that bring the anomaly about, and makes of them the smallest that does.
func (b *Bed) Find(ctx context.Context, want monitor.Anomaly, suspects []*conversation.Script, effort Effort) (Culprit, error) {
	s := &search{bed: b, want: want, effort: effort, until: time.Now().Add(effort.Time)}
	c := Culprit{Anomaly: want, Script: conversation.Join(suspects[max(0, len(suspects)-1):]...)}
	b.hurried = want.Kind != monitor.Slow
	found := s.narrow(ctx, suspects)
	if len(found) > 0 {
		whole := conversation.Join(found...)
		script := s.amplify(ctx, found)
		if script == nil {
			found = minimal(found, func(list []*conversation.Script) bool { return s.shows(ctx, conversation.Join(list...)) })
			script = conversation.Join(found...)
		}
		script = s.reduce(ctx, script)
		b.hurried = false
		if c.Reproduced = s.confirm(ctx, script); c.Reproduced == 0 { // it was made too small, in a hurry
			script = whole
			c.Reproduced = s.confirm(ctx, script)
		}
		c.Script, c.Anomaly = script, s.want
	}
	c.Trials = s.trials
	b.hurried, b.dirty = false, true // the campaign goes on with a fresh system
	return c, s.err
}

// confirm repeats a script on fresh systems and tells how often the anomaly came about.
func (s *search) confirm(ctx context.Context, script *conversation.Script) (times int) {
	for range Confirmations {
		s.bed.dirty = true
		if s.once(ctx, script) {
			times++
		}
	}
	return times
}

// cumulates tells faults that come of many cases: of memory that is not given back, of counts.
func (s *search) cumulates() bool {
	return s.want.Kind == monitor.Memory || s.want.Kind == monitor.Refused
}

// maxCandidates is how many scripts are tried whether they bring about by repetition what many did together.
const maxCandidates = chunk

// A script is repeated at least and at most this many times.
const (
	minRepeat = 64
	maxRepeat = 512
)

// amplify looks for a script that, repeated, brings about what many did together; nil if there is none,
// or if few are enough.
func (s *search) amplify(ctx context.Context, list []*conversation.Script) *conversation.Script {
	if !s.cumulates() || len(list) < 2 {
		return nil
	}
	for _, candidate := range slices.Backward(list[max(0, len(list)-maxCandidates):]) { // the last ones are the likeliest
		script := candidate.Clone()
		script.Repeat = min(max(minRepeat, 2*len(list)), maxRepeat)
		if !s.shows(ctx, script) {
			continue
		}
		script = s.reduce(ctx, script)
		for script.Repeat > 1 {
			fewer := script.Clone()
			fewer.Repeat /= 2
			if !s.shows(ctx, fewer) {
				break
			}
			script = fewer
		}
		return script
	}
	return nil
}

// spent tells whether no more is to be tried.
func (s *search) spent(ctx context.Context) bool {
	return s.err != nil || ctx.Err() != nil || s.trials >= s.effort.Trials || time.Now().After(s.until)
}

// shows tells whether the script brings the anomaly about; no when the effort is spent.
func (s *search) shows(ctx context.Context, script *conversation.Script) bool {
	return !s.spent(ctx) && s.once(ctx, script)
}

func (s *search) once(ctx context.Context, script *conversation.Script) bool {
	s.trials++
	if s.cumulates() && !s.scanning {
		s.bed.dirty = true // what an earlier trial left counts as well
	}
	same := func(a monitor.Anomaly) bool { return a.Same(&s.want) }
	found, _, err := s.bed.Try(ctx, script, nil, func(found []monitor.Anomaly) bool {
		answered := s.want.Kind == monitor.Oracle || s.want.Kind == monitor.Hang // a hung system would be waited for at each question
		return answered && slices.ContainsFunc(found, same)
	})
	if err != nil {
		s.err = err
	}
	at := slices.IndexFunc(found, same)
	if at < 0 {
		return false
	}
	if len(found[at].Where) > 0 && len(s.want.Where) == 0 {
		s.want = found[at] // now it tells where
	}
	return true
}

// chunk is how many scripts are run between two looks.
const chunk = 32

// narrow runs the suspects on a fresh system, in pieces, until the anomaly shows; then it tries the
// last piece alone, and otherwise all up to it.
func (s *search) narrow(ctx context.Context, suspects []*conversation.Script) []*conversation.Script {
	s.bed.dirty = true
	for from := 0; from < len(suspects); from += chunk {
		to := min(from+chunk, len(suspects))
		s.scanning = true
		shown := s.shows(ctx, conversation.Join(suspects[from:to]...))
		s.scanning = false
		if !shown {
			if s.spent(ctx) {
				return nil
			}
			continue
		}
		s.bed.dirty = true
		if s.cumulates() && s.shows(ctx, conversation.Join(suspects[from:to]...)) {
			return suspects[from:to]
		}
		if s.cumulates() { // what came before counts as well: amplify looks for what that was
			return suspects[:to]
		}
		for _, list := range [][]*conversation.Script{suspects[from:to], suspects[:to]} {
			if s.shows(ctx, conversation.Join(list...)) {
				return list
			}
			s.bed.dirty = true
		}
		return nil
	}
	return nil
}

// minimal returns a part of the list without which a piece of it does not hold any more: Zeller's
// delta debugging.
func minimal[T any](list []T, holds func([]T) bool) []T {
	for n := 2; len(list) > 1; {
		size := (len(list) + n - 1) / n
		smaller := false
		for from := 0; from < len(list); from += size {
			rest := slices.Concat(list[:from], list[min(from+size, len(list)):])
			if len(rest) > 0 && holds(rest) {
				list, smaller = rest, true
				n = max(n-1, 2)
				break
			}
		}
		if !smaller {
			if size == 1 {
				return list
			}
			n = min(2*n, len(list))
		}
	}
	return list
}

// reduce makes a script smaller: fewer steps, then fewer parts of each message, then fewer values.
func (s *search) reduce(ctx context.Context, script *conversation.Script) *conversation.Script {
	try := func(steps []conversation.Step) bool {
		return s.shows(ctx, tidy(&conversation.Script{Comment: script.Comment, Repeat: script.Repeat, Steps: steps}))
	}
	best := tidy(&conversation.Script{Comment: script.Comment, Repeat: script.Repeat, Steps: minimal(script.Steps, try)})
	for i := range best.Steps {
		if best.Steps[i].Kind == conversation.Send {
			s.reduceMessage(ctx, best, i)
		}
	}
	return best
}

// tidy leaves out steps on associations that are not open (any more), and opens nothing twice.
func tidy(script *conversation.Script) *conversation.Script {
	out := &conversation.Script{Comment: script.Comment, Repeat: script.Repeat}
	open := map[string]bool{}
	for _, step := range script.Steps {
		switch step.Kind {
		case conversation.Restart:
			clear(open)
		case conversation.Idle:
		case conversation.Open:
			open[step.On] = true
		case conversation.Close, conversation.Abort:
			if !open[step.On] {
				continue
			}
			delete(open, step.On)
		default:
			if !open[step.On] {
				continue
			}
		}
		out.Steps = append(out.Steps, step)
	}
	return out
}

// reduceMessage makes the message of one step smaller as long as the anomaly shows.
func (s *search) reduceMessage(ctx context.Context, script *conversation.Script, at int) {
	step := &script.Steps[at]
	if step.PPID != 0 || step.Stream != 0 {
		plain := *step
		plain.PPID, plain.Stream = 0, 0
		old := *step
		if *step = plain; !s.shows(ctx, script) {
			*step = old
		}
	}
	for again := true; again && !s.spent(ctx); {
		again = false
		for _, smaller := range mutate.Reductions(step.Payload) {
			old := step.Payload
			if step.Payload = smaller; s.shows(ctx, script) {
				again = true
				break
			}
			step.Payload = old
		}
	}
}
