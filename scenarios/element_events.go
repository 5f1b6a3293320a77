// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"slices"
	"sync"

	"github.com/rspthreat/rspthreat/sut"
)

// nodeEvents is what a node under test has told, as long as it runs.
type nodeEvents struct {
	mu      sync.Mutex
	told    []sut.NodeEvent
	changed chan struct{} // closed and replaced when something is told
	ended   chan struct{} // closed with the node
}

// follow reads the events of a node until it ends.
func follow(n sut.Node) *nodeEvents {
	e := &nodeEvents{changed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(e.ended)
		for ev := range n.Events() {
			e.mu.Lock()
			e.told = append(e.told, ev)
			close(e.changed)
			e.changed = make(chan struct{})
			e.mu.Unlock()
		}
	}()
	return e
}

// count tells how often the node has told one of these kinds.
func (e *nodeEvents) count(kinds ...sut.NodeEventKind) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counted(kinds)
}

func (e *nodeEvents) counted(kinds []sut.NodeEventKind) (n int) {
	for _, ev := range e.told {
		if slices.Contains(kinds, ev.Kind) {
			n++
		}
	}
	return n
}

// await waits until the node has told one of these kinds that many times. A node that has
// nothing to tell is told apart by ctx only.
func (e *nodeEvents) await(ctx context.Context, times int, kinds ...sut.NodeEventKind) error {
	for {
		e.mu.Lock()
		n, changed := e.counted(kinds), e.changed
		e.mu.Unlock()
		if n >= times {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
