// SPDX-License-Identifier: Apache-2.0

package sut

import "sync"

// maxEvents bounds the events of a node that nobody has read; a node that fails and tries
// again for ever tells the same again and again.
const maxEvents = 1024

// eventLog queues the events of a node and keeps its log.
type eventLog struct {
	log     lineBuffer
	events  chan NodeEvent
	mu      sync.Mutex
	ended   bool
	telling sync.WaitGroup
}

func newEventLog() *eventLog { return &eventLog{events: make(chan NodeEvent, maxEvents)} }

// Events delivers what the node tells.
func (l *eventLog) Events() <-chan NodeEvent { return l.events }

// Log returns what the node has logged so far.
func (l *eventLog) Log() []string { return l.log.lines() }

// emit queues an event; one that finds the queue full is lost, as the first ones say most.
func (l *eventLog) emit(e NodeEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	select {
	case l.events <- e:
	default:
	}
}

// follow runs what translates the node's own events, which has to end with the node.
func (l *eventLog) follow(f func()) { l.telling.Go(f) }

// end waits for the last event and closes the queue. It may be called more than once.
func (l *eventLog) end() {
	l.telling.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.ended = true
		close(l.events)
	}
}
