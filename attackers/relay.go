// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
)

// Relay puts an on-path attacker between nodes that were told its address and the system
// that they look for: it passes octets of TCP on, through the position of the attacker, who
// stands where the nodes would stand. It has no key and ends no TLS.
type Relay struct {
	Site
	Listen netip.AddrPort
	To     script.Door
	// Position is what the connection to the system is wrapped in, such as Tamperer.Position.
	Position func(net.Conn) net.Conn

	listener net.Listener
	running  sync.WaitGroup
	mu       sync.Mutex
	passed   int
}

// Open begins to take connections, until ctx ends. Close waits for the last one.
func (r *Relay) Open(ctx context.Context) (netip.AddrPort, error) {
	if r.To.Transport != association.TCP {
		return netip.AddrPort{}, fmt.Errorf("relay to %s: %w", r.To, association.ErrTransport)
	}
	var config net.ListenConfig
	var err error
	if r.listener, err = config.Listen(ctx, "tcp", r.Listen.String()); err != nil {
		return netip.AddrPort{}, fmt.Errorf("relay: %w", err)
	}
	r.running.Go(func() {
		<-ctx.Done()
		_ = r.listener.Close() // nobody comes any more
	})
	r.running.Go(func() {
		for {
			c, err := r.listener.Accept()
			if err != nil {
				return // closed
			}
			r.running.Go(func() { r.pass(ctx, c) })
		}
	})
	return r.listener.Addr().(*net.TCPAddr).AddrPort(), nil
}

// Close waits until everything has ended; the context of Open has to end first.
func (r *Relay) Close() { r.running.Wait() }

// Passed counts the connections that were relayed.
func (r *Relay) Passed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed
}

// pass relays one connection until either side or ctx ends it.
func (r *Relay) pass(ctx context.Context, near net.Conn) {
	var dialer net.Dialer
	if local := r.Local(); local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	far, err := dialer.DialContext(ctx, "tcp", r.To.Addr.String())
	if err != nil {
		_ = near.Close() // it finds nobody, as without the relay
		return
	}
	r.mu.Lock()
	r.passed++
	r.mu.Unlock()
	path := far
	if position := script.Position(r.Recorder, true, r.Position); position != nil {
		path = position(far)
	}
	stop := context.AfterFunc(ctx, func() {
		_ = near.Close()
		_ = far.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(path, near) // how it ends, both sides see for themselves
		halfClose(far)
	})
	both.Go(func() {
		_, _ = io.Copy(near, path)
		halfClose(near)
	})
	both.Wait()
	_ = near.Close()
	_ = far.Close()
}

// halfClose tells one side that the other one has finished.
func halfClose(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite() // it may have ended already
	}
}
