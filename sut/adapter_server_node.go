// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"sync"
)

// servedNode is a node that was started for the harness.
type servedNode struct {
	Node
	name     string
	forward  sync.WaitGroup
	caughtUp chan chan<- struct{} // asks for what has happened so far to be told
	ended    chan struct{}        // closed when everything is told

	mu   sync.Mutex
	told int // lines of its log
}

// tell passes on what happens to a node until it has ended.
func (s *AdapterServer) tell(n *servedNode) {
	defer close(n.ended)
	defer s.flush(n)
	for {
		select {
		case e, ok := <-n.Events():
			if !ok {
				return
			}
			s.event(n, e)
		case done := <-n.caughtUp:
			for len(n.Events()) > 0 { // nobody else reads them
				if e, ok := <-n.Events(); ok {
					s.event(n, e)
				}
			}
			close(done)
		}
	}
}

func (s *AdapterServer) event(n *servedNode, e NodeEvent) {
	s.flush(n)
	s.print(adapterLine{Node: n.name, Event: &e})
}

// catchUp waits until what has happened to a node so far is told.
func (n *servedNode) catchUp() {
	done := make(chan struct{})
	select {
	case n.caughtUp <- done:
		<-done
	case <-n.ended:
	}
}

// isFresh tells whether a registrar says that it was started just now.
func isFresh(n Node) bool {
	f, ok := n.(interface{ Fresh() bool })
	return ok && f.Fresh()
}

// flush passes on what the node has logged since.
func (s *AdapterServer) flush(n *servedNode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.Log()
	for ; n.told < len(lines); n.told++ {
		s.print(adapterLine{Node: n.name, Log: &lines[n.told]})
	}
}
