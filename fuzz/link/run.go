// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
)

// Exchange is what was said on one association up to a question, and what came of it.
type Exchange struct {
	On       string
	Caller   conversation.Caller
	Address  conversation.Values // what placeholders stood for
	Payloads []Payload
	Loose    []Payload // what was sent earlier on other streams
	Result   Result
}

// Runner runs scripts.
type Runner struct {
	System   *System
	Known    conversation.Values
	Evidence Evidence // nil: none
	// Questions are what the system answers to; a caller that is not in it has the first choice.
	Questions map[conversation.Caller]Question
	// Restart begins with a fresh system; nil when that cannot be had.
	Restart func(ctx context.Context) (*System, error)
	// Enough is told of each exchange, and ends the script when it says so; nil: all is said.
	Enough func(*Exchange) bool
	// Idle is called when the script leaves the system to honest nodes.
	Idle func(ctx context.Context)
}

// errNoRestart says that a script wants a fresh system and there is none to be had.
var errNoRestart = errors.New("the system under test cannot be restarted")

// Run runs a script. An association that cannot be set up ends it with the error of that; the
// exchanges until then are returned too.
func (r *Runner) Run(ctx context.Context, s *conversation.Script) ([]Exchange, error) {
	c := course{Runner: r, links: map[string]*Link{}, said: map[string][]Payload{}}
	defer c.end()
	for range max(1, s.Repeat) {
		c.done = c.done[:min(len(c.done), maxExchanges)]
		for i := range s.Steps {
			said := len(c.done)
			if err := c.step(ctx, &s.Steps[i]); err != nil {
				return c.done, err
			}
			if c.Enough != nil && len(c.done) > said && c.Enough(&c.done[said]) {
				return c.done, nil
			}
		}
	}
	return c.done, nil
}

// maxExchanges bounds what is kept of a script that is repeated.
const maxExchanges = 10_000

// course is one run of a script.
type course struct {
	*Runner
	links map[string]*Link
	said  map[string][]Payload // since the last question
	done  []Exchange
}

func (c *course) step(ctx context.Context, step *conversation.Step) error {
	if step.Kind == conversation.Restart {
		return c.restart(ctx)
	}
	if step.Kind == conversation.Open {
		return c.open(ctx, step)
	}
	if step.Kind == conversation.Idle {
		return c.idle(ctx, step.Time)
	}
	l := c.links[step.On]
	if l == nil {
		return fmt.Errorf("association %q is not open", step.On)
	}
	switch step.Kind {
	case conversation.Send:
		c.said[step.On] = append(c.said[step.On], Payload{Octets: step.Payload, PPID: step.PPID, Stream: step.Stream})
	case conversation.Sync:
		c.exchange(ctx, step.On, l)
	case conversation.Close, conversation.Abort:
		c.finish(ctx, step, l)
	}
	return ctx.Err()
}

func (c *course) idle(ctx context.Context, d time.Duration) error {
	if c.Idle != nil {
		c.Idle(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *course) open(ctx context.Context, step *conversation.Step) error {
	l, err := c.System.Open(ctx, step.Caller, c.Known, c.Evidence)
	if err != nil {
		return err
	}
	if q, ok := c.Questions[step.Caller]; ok {
		l.Question = q
	}
	if old := c.links[step.On]; old != nil {
		old.Abort()
	}
	c.links[step.On] = l
	return nil
}

// exchange sends what was said and asks. What one association hears, others send later.
func (c *course) exchange(ctx context.Context, on string, l *Link) {
	e := Exchange{On: on, Caller: l.Caller, Address: l.Values, Payloads: c.said[on]}
	delete(c.said, on)
	if l.ended != nil {
		e.Result.Ended = l.ended
	} else {
		e.Result = l.Exchange(ctx, []Group{{Payloads: e.Payloads}}, nil)[0]
	}
	e.Loose = l.loose
	c.Known.Server, c.Known.Element = max(c.Known.Server, l.Values.Server), max(c.Known.Element, l.Values.Element)
	c.done = append(c.done, e)
	if l.broken && l.ended == nil {
		_ = l.Close(ctx) // the system sees the end of the stream, and need not wait for more
	}
}

// finish sends what was said without a question and ends the association.
func (c *course) finish(ctx context.Context, step *conversation.Step, l *Link) {
	e := Exchange{On: step.On, Caller: l.Caller, Address: l.Values, Payloads: c.said[step.On]}
	delete(c.said, step.On)
	if l.ended == nil && len(e.Payloads) > 0 {
		question := l.Question
		l.Question = AskNothing
		e.Result = l.Exchange(ctx, []Group{{Payloads: e.Payloads}}, nil)[0]
		l.Question = question
		c.done = append(c.done, e)
	}
	if step.Kind == conversation.Close {
		_ = l.Close(ctx) // a system that does not end its side is not at fault for that
	} else {
		l.Abort()
	}
}

func (c *course) restart(ctx context.Context) error {
	c.end()
	clear(c.links)
	clear(c.said)
	if c.Restart == nil {
		return errNoRestart
	}
	s, err := c.Restart(ctx)
	if err != nil {
		return err
	}
	c.System = s
	return nil
}

func (c *course) end() {
	for _, l := range c.links {
		l.Abort()
	}
}
