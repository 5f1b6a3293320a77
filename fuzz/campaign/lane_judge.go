// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func (l *lane) count(c *model.Case, messages int) {
	l.ran = append(l.ran, c.ID)
	l.cases++
	l.messages += uint64(messages)
}

// observe takes note of what came of a case, which is a group of the flight.
func (l *lane) observe(c *model.Case, group int, led bool) {
	r := &l.results[group]
	l.count(c, len(l.groups[group].Payloads))
	l.coverage[stateKey(l.block.Machine, l.block.State)]++
	if r.Done || r.Unasked {
		l.cover(c, r, led)
	}
	l.judge(c, l.said(group))
	l.look(c, r)
}

// cover counts the transitions that were answered as they should be: those into the state, and
// those out of it that the case takes.
func (l *lane) cover(c *model.Case, r *link.Result, led bool) {
	count := func(t *model.Transition) {
		answered := t.Answer == "" || slices.ContainsFunc(r.Replies, func(reply link.Reply) bool {
			r, ok := reply.Message.(*wire.RegistrationResponse)
			return reply.Message != nil && reply.Message.Name() == t.Answer && !(ok && r.Reject)
		})
		if answered {
			l.coverage[transitionKey(l.block.Machine, t)]++
		}
	}
	if led {
		for _, t := range l.block.Machine.Path(l.block.State) {
			count(t)
		}
	}
	for i := range c.Says {
		if t := c.Says[i].Transition; t != nil {
			count(t)
		}
	}
}

func (l *lane) judge(c *model.Case, e *link.Exchange) {
	for _, a := range l.c.bed.Judge.Exchange(e) {
		l.round.anomaly(a, c.ID)
	}
	l.granted = append(l.granted, l.c.bed.Judge.Grants(e)...)
}
