// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"net"
	"sync"
)

// Gate is a position on the path to a node of the harness that holds back what comes until
// it is opened, so that one thing can be seen to happen before another.
type Gate struct {
	mu   sync.Mutex
	open chan struct{}
}

// NewGate returns a gate that is shut.
func NewGate() *Gate { return &Gate{open: make(chan struct{})} }

// Open lets everything through, from now on.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		close(g.open)
	}
}

// Shut holds back what comes over connections that are set up from now on.
func (g *Gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
	default:
	}
}

// Wrap puts the gate on a connection.
func (g *Gate) Wrap(raw net.Conn) net.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return &gated{Conn: raw, open: g.open, closed: make(chan struct{})}
}

type gated struct {
	net.Conn
	open   <-chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Read waits for the gate.
func (c *gated) Read(b []byte) (int, error) {
	select {
	case <-c.open:
		return c.Conn.Read(b)
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

// Close ends the connection, whether or not the gate is open.
func (c *gated) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
