// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"net/netip"
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
	return e.matching(func(ev sut.NodeEvent) bool { return slices.Contains(kinds, ev.Kind) })
}

// matching counts what match accepts. The caller holds e.mu.
func (e *nodeEvents) matching(match func(sut.NodeEvent) bool) (n int) {
	for _, ev := range e.told {
		if match(ev) {
			n++
		}
	}
	return n
}

// awaitAt waits until the node has told one of these kinds that many times of a node at addr,
// or of one that it does not name.
func (e *nodeEvents) awaitAt(ctx context.Context, times int, addr netip.Addr, kinds ...sut.NodeEventKind) error {
	return e.awaitFor(ctx, times, func(ev sut.NodeEvent) bool {
		return slices.Contains(kinds, ev.Kind) && (!ev.Remote.IsValid() || ev.Remote.Addr() == addr)
	})
}

// await waits until the node has told one of these kinds that many times. A node that has
// nothing to tell is told apart by ctx only.
func (e *nodeEvents) await(ctx context.Context, times int, kinds ...sut.NodeEventKind) error {
	return e.awaitFor(ctx, times, func(ev sut.NodeEvent) bool { return slices.Contains(kinds, ev.Kind) })
}

func (e *nodeEvents) awaitFor(ctx context.Context, times int, match func(sut.NodeEvent) bool) error {
	for {
		e.mu.Lock()
		n, changed := e.matching(match), e.changed
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
