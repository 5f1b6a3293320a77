// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"slices"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// lane runs blocks, one after the other, over one association at a time.
type lane struct {
	c     *Campaign
	round *round

	block *model.Block
	link  *link.Link
	led   bool // the association has been led into the block's state
	// ends tells how often messages of a kind ended the association: they go in a flight of their own then.
	ends map[endKey]*ending

	values  conversation.Values // what placeholders stand for in this flight
	groups  []link.Group
	results []link.Result

	// Since the last look.
	ran      []model.ID // in order
	inFlight []model.ID
	cut      []model.ID // of a flight that the end of its association cut short: sent, and still to be sent again
	granted  []monitor.Grant
	cases    uint64
	messages uint64
	avoided  uint64
	coverage Coverage
	novel    []novel
}

type endKey struct {
	caller    string
	typ       uint8
	malformed bool
}

type ending struct{ ended, total int }

// likely tells whether an association ends by such a message. At first it is taken for likely.
func (e *ending) likely() bool { return 2*e.ended >= e.total }

// run runs the cases of a block: first those that go together, in flights as full as can be, then
// those that have to go alone.
func (l *lane) run(ctx context.Context, block *model.Block, ids []model.ID) {
	l.block, l.led = block, false
	defer l.drop()
	flight, alone := make([]model.Case, 0, l.c.opts.Depth), make([]model.Case, 0, len(ids))
	for _, id := range ids {
		c := block.Case(id)
		if l.c.avoids(&c) {
			l.avoided++
			continue
		}
		if c.Other != nil || l.breaks(&c) || l.endsIt(&c) {
			alone = append(alone, c)
			continue
		}
		if flight = append(flight, c); len(flight) == l.c.opts.Depth {
			l.fly(ctx, flight)
			flight = flight[:0]
		}
	}
	l.fly(ctx, flight)
	for i := range alone {
		if c := &alone[i]; c.Other != nil && ctx.Err() == nil {
			l.together(ctx, c)
		} else {
			l.fly(ctx, alone[i:i+1])
		}
	}
}

// drop ends the association.
func (l *lane) drop() {
	if l.link != nil {
		l.link.Abort()
		l.link = nil
	}
	l.led = false
}

// breaks tells whether what comes after the case would be taken for something else.
func (l *lane) breaks(c *model.Case) bool {
	return slices.ContainsFunc(c.Says, func(m model.Message) bool { return link.Breaks(l.block.Part.Caller, m.Payload) })
}

func (l *lane) keyOf(c *model.Case) endKey {
	k := endKey{caller: l.block.Part.Caller.String()}
	for i := range c.Says {
		b := c.Says[i].Payload
		if len(b) == 0 {
			continue
		}
		k.typ = b[0]
		if _, err := wire.Decode(l.block.Part.Caller.Protocol, b, &l.c.world.Wire); err != nil {
			k.malformed = true
			break
		}
	}
	return k
}

func (l *lane) endsIt(c *model.Case) bool {
	e := l.ends[l.keyOf(c)]
	return e == nil || e.likely()
}

func (l *lane) ended(c *model.Case, did bool) {
	k := l.keyOf(c)
	e := l.ends[k]
	if e == nil {
		e = &ending{}
		l.ends[k] = e
	}
	const memory = 64 // old experience counts less
	if e.total++; e.total > memory {
		e.total, e.ended = e.total/2, e.ended/2
	}
	if did {
		e.ended++
	}
}

// fly sends cases in one flight. When the association ends under way, the first that was not
// answered is sent again alone, to see whether it was the one, and then the others.
func (l *lane) fly(ctx context.Context, flight []model.Case) {
	alone := len(flight) == 1
	for len(flight) > 0 && ctx.Err() == nil {
		now := flight
		if alone {
			now = flight[:1]
		}
		l.c.limit.wait(ctx, len(now))
		if !l.connect(ctx) {
			return
		}
		done, ended := l.exchange(ctx, now, alone)
		flight = flight[done:]
		if ended || len(l.cut) > 0 { // the rest was sent as well, and may be what kills the system while it is sent again
			l.cut = l.cut[:0]
			for i := range flight {
				l.cut = append(l.cut, flight[i].ID)
			}
		}
		alone = ended && done == 0 || len(flight) == 1
		if ended || l.c.opts.Reconnect {
			l.drop()
		}
	}
}

// unresolved are the cases that were sent and of which nobody knows yet what came of them.
func (l *lane) unresolved() []model.ID { return slices.Concat(l.inFlight, l.cut) }

// connect opens the association if it is not open.
func (l *lane) connect(ctx context.Context) bool {
	if l.link != nil && l.link.Ended() == nil {
		return true
	}
	l.drop()
	const tries = 3 // a handshake may fail on a busy machine
	for try := 1; ; try++ {
		opened, err := l.c.bed.Open(ctx, l.block.Part.Caller)
		if err == nil {
			l.link = opened
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if try == tries {
			l.round.unreachable(err)
			return false
		}
	}
}

// group is what is sent for a case, the way into the state included.
func (l *lane) group(c *model.Case) link.Group {
	var g link.Group
	if !l.led {
		for i := range l.block.Path {
			g.Payloads = append(g.Payloads, link.Payload{Octets: l.block.Path[i].Payload})
		}
		l.led = true
	}
	for i := range c.Says {
		m := &c.Says[i]
		g.Payloads = append(g.Payloads, link.Payload{Octets: m.Payload, PPID: m.PPID, Stream: m.Stream})
		if len(m.Payload) > 0 && l.block.State != model.Connected && changes(m.Payload[0], l.block) {
			l.led = false
		}
	}
	return g
}

// changes tells whether a message of that type may lead out of the state.
func changes(typ uint8, b *model.Block) bool {
	if b.Part.Caller.Protocol == wire.ENRP {
		return typ != wire.TypeListRequest && typ != wire.TypeHandleTableRequest
	}
	return typ == wire.TypeRegistration || typ == wire.TypeDeregistration || typ == wire.TypeEndpointKeepAliveAck ||
		typ == wire.TypeEndpointUnreachable || typ == wire.TypeHandleResolution
}

// exchange sends cases and takes what comes. It returns how many are done, and whether the
// association has ended.
func (l *lane) exchange(ctx context.Context, cases []model.Case, alone bool) (done int, ended bool) {
	l.groups, l.inFlight = l.groups[:0], l.inFlight[:0]
	paths := make([]bool, len(cases))
	for i := range cases {
		paths[i] = !l.led
		l.groups = append(l.groups, l.group(&cases[i]))
		l.inFlight = append(l.inFlight, cases[i].ID)
	}
	l.values = l.link.Values
	l.results = l.link.Exchange(ctx, l.groups, l.results)
	for i := range l.results {
		r := &l.results[i]
		if r.Ended != nil && !alone || ctx.Err() != nil && !r.Done {
			l.unanswered(done)
			return done, true
		}
		l.observe(&cases[i], i, paths[i])
		done++
		if r.Silent || r.Ended != nil {
			l.ended(&cases[i], r.Ended != nil)
			l.unanswered(done)
			l.inFlight = l.inFlight[:0]
			return done, true
		}
		l.ended(&cases[i], false)
	}
	if l.link.Broken() {
		_ = l.link.Close(ctx) // the system sees the end of the stream, and need not wait for more
		ended = true
	}
	l.inFlight = l.inFlight[:0]
	return done, ended
}

// unanswered accepts what the system may have granted in the groups from a number on: they were sent,
// and when they are sent again the answer may be another.
func (l *lane) unanswered(from int) {
	for i := from; i < len(l.results); i++ {
		l.granted = append(l.granted, l.c.bed.Judge.Grants(l.said(i))...)
	}
}

// said is what was said and answered in a group of the flight.
func (l *lane) said(i int) *link.Exchange {
	return &link.Exchange{On: "a", Caller: l.block.Part.Caller, Address: l.values, Payloads: l.groups[i].Payloads, Loose: l.link.Loose(), Result: l.results[i]}
}

// together runs a case with two associations, as a script.
func (l *lane) together(ctx context.Context, c *model.Case) {
	l.c.limit.wait(ctx, 1)
	l.inFlight = append(l.inFlight[:0], c.ID)
	bed := l.c.bed
	r := link.Runner{System: bed.System, Known: bed.Watch.Known(), Questions: bed.Questions}
	exchanges, err := r.Run(ctx, c.Script())
	if ctx.Err() != nil {
		for i := range exchanges {
			l.granted = append(l.granted, bed.Judge.Grants(&exchanges[i])...)
		}
		return
	}
	if err != nil && len(exchanges) == 0 {
		l.round.unreachable(err)
		return
	}
	for i := range exchanges {
		l.judge(c, &exchanges[i])
	}
	l.count(c, len(c.Says))
	l.inFlight = l.inFlight[:0]
}
