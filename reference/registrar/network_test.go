// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// network connects registrars and elements in memory. Hosts can be cut off: then what they
// send is lost and nobody notices, as with a cable that is pulled.
type network struct {
	t     *testing.T
	mu    sync.Mutex
	sides map[netip.Addr]int // hosts reach each other that are on the same side; 0 to begin with
	hosts map[netip.Addr]host
	cut   [2]netip.Addr // two hosts that do not reach each other though all others reach them
	ports uint16
}

// host takes associations.
type host interface {
	key(identity string) []byte
	serve(a association.Association, protocol wire.Protocol)
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, sides: make(map[netip.Addr]int), hosts: make(map[netip.Addr]host), ports: 10_000}
}

// place puts hosts on a side of a partition.
func (n *network) place(side int, addrs ...netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range addrs {
		n.sides[a] = side
	}
}

func (n *network) reaches(a, b netip.Addr) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sides[a] == n.sides[b] && n.sides[a] >= 0 && n.cut != [2]netip.Addr{a, b} && n.cut != [2]netip.Addr{b, a}
}

func (n *network) split(a, b netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = [2]netip.Addr{a, b}
}

func (n *network) unsplit() { n.split(netip.Addr{}, netip.Addr{}) }

func (n *network) attach(addr netip.Addr, h host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[addr] = h; h == nil {
		delete(n.hosts, addr)
	}
}

var errRefused = errors.New("connection refused")

// dial sets up an association if both sides hold the same key, as TLS with a pre-shared key does.
func (n *network) dial(ctx context.Context, from netip.Addr, d registrar.Destination) (association.Association, error) {
	if !n.reaches(from, d.Addr.Addr()) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n.mu.Lock()
	h := n.hosts[d.Addr.Addr()]
	n.ports++
	local := netip.AddrPortFrom(from, n.ports)
	n.mu.Unlock()
	if h == nil {
		return nil, errRefused
	}
	client := association.Info{Transport: d.Transport, Local: local, Remote: d.Addr, PeerAddrs: []netip.Addr{d.Addr.Addr()}}
	server := association.Info{Transport: d.Transport, Local: d.Addr, Remote: local, PeerAddrs: []netip.Addr{from}}
	if c := d.Credential; c != nil {
		if key := h.key(c.Identity); len(key) == 0 || !bytes.Equal(key, c.Key) {
			return nil, fmt.Errorf("handshake as %q: unknown key", c.Identity)
		}
		client.Secured, server.Secured = true, true
		client.Identity, server.Identity = tlspsk.Identity{Kind: tlspsk.PSK}, tlspsk.Identity{Kind: tlspsk.PSK, Name: c.Identity}
	}
	a, b := n.link(client, server)
	h.serve(b, d.Protocol)
	return a, nil
}

// end is one end of an association.
type end struct {
	n     *network
	info  association.Info
	in    chan association.Message
	other *end
	done  chan struct{}
	ended atomic.Bool
	err   error
}

func (n *network) link(client, server association.Info) (a, b *end) {
	const queue = 8192 // more than any test has under way
	a = &end{n: n, info: client, in: make(chan association.Message, queue), done: make(chan struct{})}
	b = &end{n: n, info: server, in: make(chan association.Message, queue), done: make(chan struct{}), other: a}
	a.other = b
	return a, b
}

func (e *end) reaches() bool { return e.n.reaches(e.info.Local.Addr(), e.info.Remote.Addr()) }

func (e *end) Send(_ context.Context, m association.Message) error {
	select {
	case <-e.done:
		return association.ErrClosed
	default:
	}
	if !e.reaches() {
		return nil // lost
	}
	select {
	case <-e.other.done: // a host that does not know the association any more
		return e.finish(association.ErrAborted)
	case e.other.in <- m:
		return nil
	}
}

func (e *end) Receive(ctx context.Context) (association.Message, error) {
	select {
	case m := <-e.in:
		return m, nil
	default:
	}
	select {
	case m := <-e.in:
		return m, nil
	case <-e.done:
		return association.Message{}, e.err
	case <-ctx.Done():
		return association.Message{}, ctx.Err()
	}
}

func (e *end) finish(err error) error {
	if e.ended.Swap(true) {
		return nil
	}
	e.err = err
	close(e.done)
	if e.reaches() {
		return e.other.finish(err)
	}
	return nil
}

func (e *end) Close(context.Context) error { return e.finish(io.EOF) }
func (e *end) Abort(string) error          { return e.finish(association.ErrAborted) }
func (e *end) Done() <-chan struct{}       { return e.done }
func (e *end) Err() error                  { return e.err }
func (e *end) Info() association.Info      { return e.info }
