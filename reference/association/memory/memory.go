// SPDX-License-Identifier: Apache-2.0

// Package memory carries associations in memory, for tests and fuzz targets of what stands
// on associations. It has no sockets, no goroutines and no clock, so that protocol timers
// run in a synctest bubble.
package memory

import (
	"context"
	"io"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association"
)

// queue is how many messages one end takes before the other has to read: no test sends more
// in one go.
const queue = 4096

// Association is one end of an association in memory.
type Association struct {
	info    association.Info
	in, out chan association.Message
	other   *Association
	*shared
}

// shared is what both ends have in common.
type shared struct {
	done chan struct{} // closed when either end has ended it
	cut  chan struct{} // closed by Cut
	once sync.Once
	torn sync.Once
	err  error // why it ended, as the other end sees it
	by   *Association
}

// Pair returns the two ends of an association; each shows its Info.
func Pair(one, other association.Info) (a, b *Association) {
	there, back := make(chan association.Message, queue), make(chan association.Message, queue)
	s := &shared{done: make(chan struct{}), cut: make(chan struct{})}
	a = &Association{info: one, in: there, out: back, shared: s}
	b = &Association{info: other, in: back, out: there, shared: s, other: a}
	a.other = b
	return a, b
}

// Other returns the other end.
func (a *Association) Other() *Association { return a.other }

// Incoming is what Receive takes from, for a test that waits for several things at once.
func (a *Association) Incoming() <-chan association.Message { return a.in }

// Jam fills the way to this end, so that the other end's next Send has to wait.
func (a *Association) Jam() {
	for {
		select {
		case a.in <- association.Message{}:
		default:
			return
		}
	}
}

// Send queues the message for the other end.
func (a *Association) Send(ctx context.Context, m association.Message) error {
	select {
	case <-a.done:
		return a.Err()
	case <-a.cut:
		return association.ErrUnreachable
	default:
	}
	select {
	case <-a.done:
		return a.Err()
	case a.out <- m:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive returns what the other end has sent, also after the association has ended.
func (a *Association) Receive(ctx context.Context) (association.Message, error) {
	select {
	case m := <-a.in:
		return m, nil
	default:
	}
	select {
	case m := <-a.in:
		return m, nil
	case <-a.done:
		select {
		case m := <-a.in: // it came before the end
			return m, nil
		default:
			return association.Message{}, a.Err()
		}
	case <-ctx.Done():
		return association.Message{}, ctx.Err()
	}
}

// End ends the association so that the other end sees err.
func (a *Association) End(err error) {
	a.once.Do(func() {
		a.err, a.by = err, a
		close(a.done)
	})
}

// Cut makes sending fail on both ends, while neither has noticed that the other is gone.
func (a *Association) Cut() { a.torn.Do(func() { close(a.cut) }) }

// Close ends the association gracefully: the other end sees io.EOF.
func (a *Association) Close(context.Context) error {
	a.End(io.EOF)
	return nil
}

// Abort ends the association: the other end sees association.ErrAborted.
func (a *Association) Abort(string) error {
	a.End(association.ErrAborted)
	return nil
}

// Done is closed when the association has ended.
func (a *Association) Done() <-chan struct{} { return a.done }

// Info returns what Pair was given for this end.
func (a *Association) Info() association.Info { return a.info }

// Err says why the association ended, nil before that.
func (a *Association) Err() error {
	select {
	case <-a.done:
	default:
		return nil
	}
	if a.by == a {
		return association.ErrClosed
	}
	return a.err
}
