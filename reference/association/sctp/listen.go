// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
)

// ListenConfig says what to do with the INITs for a port.
type ListenConfig struct {
	Port uint16 // 0 for any free one
	// Serve is called for the first INIT of each peer, from the goroutine that
	// reads packets: it must not block. When it returns false, the INIT is lost
	// and the peer will send another one; otherwise Handshake or Close must be
	// called.
	Serve func(*Incoming) bool
	Trace func(Packet) // of the associations of this port
}

// Incoming is a peer that sent an INIT.
type Incoming struct{ path *path }

// Remote returns the peer's address and SCTP port.
func (i *Incoming) Remote() netip.AddrPort {
	return netip.AddrPortFrom(i.path.key.peer, i.path.key.remote)
}

// Handshake sets up the association, until ctx ends.
func (i *Incoming) Handshake(ctx context.Context, o Options) (*Conn, error) {
	engine, err := serve(ctx, i.path)
	if err != nil {
		return nil, fmt.Errorf("sctp: handshake with %v: %w", i.Remote(), err)
	}
	return newConn(i.path, engine, o)
}

// Close forgets the peer.
func (i *Incoming) Close() { i.path.Close() }

// Listen takes the INITs for a port, until Unlisten. It returns the port.
func (e *Endpoint) Listen(c ListenConfig) (uint16, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return 0, ErrClosed
	}
	for range portAttempts {
		if c.Port != 0 {
			break
		}
		port := firstEphemeral + uint16(rand.IntN(1<<16-firstEphemeral))
		if e.listeners[port] == nil && e.ports[port] == 0 {
			c.Port = port
		}
	}
	if c.Port == 0 || e.listeners[c.Port] != nil {
		return 0, fmt.Errorf("%w: %d", ErrPortInUse, c.Port)
	}
	e.listeners[c.Port] = &c
	return c.Port, nil
}

// Unlisten stops Listen; the associations go on.
func (e *Endpoint) Unlisten(port uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listeners, port)
}

// listens reports whether there is a listener on a port.
func (e *Endpoint) listens(port uint16) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.listeners[port] != nil
}
