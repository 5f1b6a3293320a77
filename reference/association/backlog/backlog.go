// SPDX-License-Identifier: Apache-2.0

// Package backlog holds what waits for an association, in either direction. It takes memory for
// what is in it only, while a channel takes it for all that could be: with a thousand places of
// 24 octets that is most of what an idle association needs.
package backlog

import "sync"

// Queue is a queue of octets with a limit. One goroutine takes, any may add.
type Queue struct {
	limit int

	mu    sync.Mutex
	items [][]byte
	some  chan struct{} // holds a token while there may be an item
}

// New returns an empty queue for limit items.
func New(limit int) *Queue { return &Queue{limit: limit, some: make(chan struct{}, 1)} }

// Push adds an item, which the queue keeps, and tells whether there was room for it.
func (q *Queue) Push(b []byte) bool {
	q.mu.Lock()
	full := len(q.items) >= q.limit
	if !full {
		q.items = append(q.items, b)
	}
	q.mu.Unlock()
	select {
	case q.some <- struct{}{}:
	default: // there is a token already
	}
	return !full
}

// Pop takes the oldest item; false when there is none.
func (q *Queue) Pop() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return nil, false
	}
	b := q.items[0]
	q.items[0] = nil
	if q.items = q.items[1:]; len(q.items) == 0 {
		q.items = nil
	}
	return b, true
}

// Some can be received from when an item was added since it was last received from. Who waits
// pops until there is none, and then receives from it.
func (q *Queue) Some() <-chan struct{} { return q.some }
