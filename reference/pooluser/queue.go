// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"sync"
)

// queue holds the messages of a session until Receive takes them.
type queue struct {
	limit int

	mu     sync.Mutex
	items  []Received
	room   chan struct{} // closed and replaced when an item is taken
	filled chan struct{} // closed and replaced when an item is added
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, room: make(chan struct{}), filled: make(chan struct{})}
}

// push adds an item. While the queue is full it waits, and with it the element,
// until stop. When the association has ended, what still arrives is kept up to
// twice the limit and lost above: waiting would delay the failover.
func (q *queue) push(stop context.Context, ended <-chan struct{}, r Received) {
	for {
		limit, last := q.limit, false
		select {
		case <-ended:
			limit, last = 2*q.limit, true
		default:
		}
		q.mu.Lock()
		if len(q.items) < limit {
			q.items = append(q.items, r)
			close(q.filled)
			q.filled = make(chan struct{})
			q.mu.Unlock()
			return
		}
		room := q.room
		q.mu.Unlock()
		if last {
			return
		}
		select {
		case <-room:
		case <-ended:
		case <-stop.Done():
			return
		}
	}
}

// pop takes the oldest item; false when there is none and done is closed.
func (q *queue) pop(ctx context.Context, done <-chan struct{}) (Received, bool, error) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			r := q.items[0]
			q.items = q.items[1:]
			close(q.room)
			q.room = make(chan struct{})
			q.mu.Unlock()
			return r, true, nil
		}
		filled := q.filled
		q.mu.Unlock()
		select {
		case <-filled:
			continue
		default:
		}
		select {
		case <-filled:
		case <-done:
			select {
			case <-filled: // it came before the end
				continue
			default:
				return Received{}, false, nil
			}
		case <-ctx.Done():
			return Received{}, false, context.Cause(ctx)
		}
	}
}
