// SPDX-License-Identifier: Apache-2.0

// Package triage turns an anomaly that was seen in a campaign into a finding: it looks for the
// cases that bring it about, confirms them by repetition on fresh systems, and makes them as
// small as they can be.
package triage

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// Bed is a system under test with everything that watches it.
type Bed struct {
	Target   target.Target
	Victim   wire.PEID
	Patterns []*regexp.Regexp
	// SlowAfter is how long an answer may take, 0 for as long as the system has for it.
	SlowAfter time.Duration
	// MemoryGrowth is how much the resident memory may grow, in octets.
	MemoryGrowth int64

	System *link.System
	Watch  *monitor.Watch
	Judge  *monitor.Judge
	// Callers are those that the system lets in, and Questions what it answers to them.
	Callers   []conversation.Caller
	Questions map[conversation.Caller]link.Question
	// Restarts counts the times that the system was started.
	Restarts int

	memory int64           // after the start
	seen   map[string]bool // deaths in the log of a system that cannot be restarted
	dirty  bool
	// hurried has less patience for answers: many trials wait in vain.
	hurried bool
}

const (
	// DeathGrace is how long the end of a process may take to be seen when nothing works any more,
	// and glance when an association has ended, which most do for another reason.
	DeathGrace = 500 * time.Millisecond
	glance     = 20 * time.Millisecond
	// startTries: a system that was just restarted may not listen yet.
	startTries = 5
	startPause = 200 * time.Millisecond
	// hurry is by how much the time for an answer is shortened for trials whose result is confirmed later.
	hurry         = 8
	leastPatience = 250 * time.Millisecond
)

// Start begins with a fresh system, as far as the target has one, and connects the honest nodes.
func (b *Bed) Start(ctx context.Context) error {
	b.Stop()
	s, err := b.startTarget(ctx)
	if err != nil {
		return err
	}
	b.Restarts++
	if b.hurried {
		s.Response = min(s.Response, max(leastPatience, s.Response/hurry))
	}
	b.System, b.dirty = s, false
	b.Judge = monitor.NewJudge(s, b.SlowAfter)
	for try := 1; ; try++ {
		if b.Watch, err = monitor.NewWatch(ctx, s, b.Victim); err == nil {
			break
		}
		if try == startTries || !pause(ctx) {
			return fmt.Errorf("%w: an honest node is not served: %w", sut.ErrUnreachable, err)
		}
	}
	b.System.Witness = b.witness()
	if b.Questions == nil {
		if err := b.calibrate(ctx); err != nil {
			return err
		}
	}
	if p := b.Target.Process(); p != nil {
		b.memory, _ = p.Memory()
	}
	return nil
}

// startTarget starts the target. Commands that restart a system which is just dying may fail; the
// next time they find it dead.
func (b *Bed) startTarget(ctx context.Context) (*link.System, error) {
	for try := 1; ; try++ {
		s, err := b.Target.Start(ctx)
		if err == nil {
			return s, nil
		}
		if try == startTries || b.Restarts == 0 || !pause(ctx) {
			if !errors.Is(err, sut.ErrUnreachable) {
				err = fmt.Errorf("%w: %w", sut.ErrUnreachable, err)
			}
			return nil, err
		}
	}
}

// pause waits a little; false when ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(startPause):
		return true
	case <-ctx.Done():
		return false
	}
}

// Stop ends the honest nodes' associations.
func (b *Bed) Stop() {
	if b.Watch != nil {
		b.Watch.Close()
		b.Watch = nil
	}
}

// calibrate finds out which doors are open to whom, and what is answered there.
func (b *Bed) calibrate(ctx context.Context) error {
	b.Questions = map[conversation.Caller]link.Question{}
	var first error
	for _, c := range b.System.Callers() {
		if c.Transport == association.UDP && b.System.Witness == nil {
			b.System.Witness = b.witness()
		}
		q, err := b.System.Calibrate(ctx, c)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		b.Callers = append(b.Callers, c)
		b.Questions[c] = q
	}
	if len(b.Callers) == 0 {
		return fmt.Errorf("%w: no door lets anybody in: %w", sut.ErrUnreachable, errors.Join(first, ctx.Err()))
	}
	return nil
}

// witness is a caller whose questions are answered, nil without one.
func (b *Bed) witness() *conversation.Caller {
	for _, c := range b.Callers {
		if q, ok := b.Questions[c]; ok && q != link.AskNothing {
			return &c
		}
	}
	return nil
}

// Unseen says where nothing is sent, or where nobody knows what came of it.
func (b *Bed) Unseen() (list []string) {
	if b.System != nil {
		list = append(list, b.unseenDatagrams()...)
	}
	for _, c := range b.Callers {
		if b.Questions[c] == link.AskNothing && c.Transport != association.UDP {
			list = append(list, fmt.Sprintf("no question is answered at %s, so what is said there is not known to have been dealt with", c))
		}
	}
	return list
}

// unseenDatagrams says to which UDP doors nothing is sent.
func (b *Bed) unseenDatagrams() (list []string) {
	ports, groups := 0, 0
	for _, d := range b.System.Doors {
		switch {
		case d.Transport != association.UDP:
		case d.Addr.Addr().IsMulticast():
			groups++
		default:
			ports++
		}
	}
	if groups > 0 {
		list = append(list, fmt.Sprintf("%d multicast groups are not fuzzed", groups))
	}
	if ports > 0 && !slices.ContainsFunc(b.Callers, func(c conversation.Caller) bool { return c.Transport == association.UDP }) {
		list = append(list, fmt.Sprintf("%d UDP doors are not fuzzed, as no honest question is answered elsewhere", ports))
	}
	return list
}

// Open sets up an association.
func (b *Bed) Open(ctx context.Context, c conversation.Caller) (*link.Link, error) {
	l, err := b.System.Open(ctx, c, b.Watch.Known(), nil)
	if err == nil {
		if q, ok := b.Questions[c]; ok {
			l.Question = q
		}
	}
	return l, err
}

// Death tells why the system is dead, if it is. It waits a while for a process that is just dying.
func (b *Bed) Death(ctx context.Context, wait time.Duration) (monitor.Anomaly, bool) {
	p := b.Target.Process()
	if p == nil {
		return monitor.Anomaly{}, false
	}
	how, ended := p.Exited()
	if d, ok := p.(interface{ Done() <-chan struct{} }); ok && !ended && wait > 0 {
		select {
		case <-d.Done():
		case <-time.After(wait):
		case <-ctx.Done():
		}
		how, ended = p.Exited()
	}
	a, told := monitor.Death(p.Output(), b.Patterns)
	switch {
	case ended && told:
		a.Detail = how + ": " + a.Detail
	case ended:
		a = monitor.Anomaly{Kind: monitor.Crash, Rule: "the process ended: " + how}
	case !told || b.seen[a.Signature()]:
		return a, false
	case !b.Target.Restarts(): // its log goes on with the same lines
		if b.seen == nil {
			b.seen = map[string]bool{}
		}
		b.seen[a.Signature()] = true
	}
	return a, true
}

// Reachable tells whether somebody listens.
func (b *Bed) Reachable(ctx context.Context) error {
	var err error
	for _, c := range b.Callers {
		var l *link.Link
		if l, err = b.System.Open(ctx, c, conversation.Values{}, nil); err == nil {
			l.Abort()
			return nil
		}
		if !errors.Is(err, association.ErrAborted) && ctx.Err() == nil {
			continue // it may be this door alone
		}
	}
	return err
}

// Grown tells how much the memory of the process has grown since its start.
func (b *Bed) Grown() int64 {
	if p := b.Target.Process(); p != nil {
		if now, ok := p.Memory(); ok {
			return now - b.memory
		}
	}
	return 0
}

// Look returns what is wrong with the system now.
func (b *Bed) Look(ctx context.Context) []monitor.Anomaly {
	if a, dead := b.Death(ctx, 0); dead {
		b.dirty = true
		return []monitor.Anomaly{a}
	}
	found := b.Watch.Look(ctx)
	if len(found) > 0 {
		b.dirty = true
		if a, dead := b.Death(ctx, DeathGrace); dead {
			return []monitor.Anomaly{a}
		}
		if err := b.Reachable(ctx); err != nil && ctx.Err() == nil {
			return []monitor.Anomaly{{Kind: monitor.Crash, Rule: "nobody listens any more", Detail: err.Error()}}
		}
	}
	if grown := b.Grown(); b.MemoryGrowth > 0 && grown > b.MemoryGrowth {
		b.dirty = true
		found = append(found, monitor.Anomaly{
			Kind: monitor.Memory, Rule: "the process grows", Detail: fmt.Sprintf("%d MiB more than after its start", grown>>20),
		})
	}
	return found
}
