// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// MaxReplies bounds what is kept of what one group of messages is answered with; the rest is
// counted.
const MaxReplies = 256

// floodReplies is how many answers to one flight are a flood.
const floodReplies = 20_000

// Reply is what the system said.
type Reply struct {
	Message wire.Message // nil: it is no message
	Raw     []byte
	Err     error // why it is no message
}

// Result is what came of one group of messages.
type Result struct {
	Replies []Reply
	Count   int   // of answers, those that were not kept among them and what comes unasked not
	Done    bool  // the question after the group was answered: the system has dealt with the group
	Skipped bool  // a later question was answered and this one was not
	Ended   error // the association ended before the answer
	Silent  bool  // neither in time
	Unasked bool  // nothing was asked
	Took    time.Duration
}

// collect reads until the last question is answered.
func (l *Link) collect(ctx context.Context, asked []asked, results []Result) {
	limit, cancel := context.WithTimeout(ctx, l.system.Response)
	defer cancel()
	began, at, total := time.Now(), 0, 0
	for at < len(results) {
		if asked[at].payload == nil && l.ended == nil {
			results[at].Unasked = true
			at++
			continue
		}
		m, err := l.assoc.Receive(limit)
		if err != nil {
			if limit.Err() != nil && ctx.Err() == nil && l.insist(ctx) {
				results[at].Done, l.broken = true, true // the next questions would be answered late, too
				return
			}
			l.fail(limit, err, results[at:])
			results[at].Took = time.Since(began)
			return
		}
		reply := l.decode(m.Payload)
		if to := answers(asked[at:], &reply); to >= 0 {
			for range to {
				results[at].Skipped = true
				at++
			}
			now := time.Now()
			results[at].Done, results[at].Took = true, now.Sub(began)
			began = now
			at++
			continue
		}
		l.learn(&reply)
		r := &results[at]
		if len(r.Replies) < MaxReplies {
			r.Replies = append(r.Replies, reply)
		}
		if !l.unasked(reply.Message) {
			r.Count++
		}
		if total++; total > floodReplies {
			l.fail(limit, ErrFlood, results[at:])
			l.Abort()
			return
		}
	}
}

// fail marks the groups that were not answered.
func (l *Link) fail(limit context.Context, err error, rest []Result) {
	if l.ended == nil && limit.Err() != nil {
		rest[0].Silent = true
		return
	}
	if l.ended == nil {
		l.ended = err
	}
	for i := range rest {
		rest[i].Ended = l.ended
	}
}

// unasked tells messages that a registrar sends of its own, about what others do.
func (l *Link) unasked(m wire.Message) bool {
	switch m.(type) {
	case *wire.HandleUpdate, *wire.Presence, *wire.InitTakeover, *wire.TakeoverServer, *wire.ListRequest, *wire.HandleTableRequest, *wire.EndpointKeepAlive:
		return true
	case *wire.HandleResolutionResponse:
		return l.subscribed
	}
	return false
}

func (l *Link) decode(payload []byte) Reply {
	m, err := wire.Decode(l.Caller.Protocol, payload, &l.system.Wire)
	if err != nil {
		return Reply{Raw: payload, Err: err}
	}
	return Reply{Message: m, Raw: payload}
}

// learn takes values from what the system says.
func (l *Link) learn(r *Reply) {
	switch m := r.Message.(type) {
	case *wire.Presence:
		l.Values.Server = uint32(m.Sender)
	case *wire.ListResponse:
		l.Values.Server = uint32(m.Sender)
	case *wire.HandleTableRequest:
		l.Values.Server = uint32(m.Sender)
	case *wire.EndpointKeepAlive:
		l.Values.Server = uint32(m.Server)
	case *wire.HandleResolutionResponse:
		if len(m.Elements) > 0 {
			l.Values.Element = uint32(m.Elements[0].ID)
		}
	}
}
