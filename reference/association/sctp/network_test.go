// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is links in memory. filter, if set, sees every packet and may alter
// it, send more, or drop it by returning nil.
type network struct {
	mu     sync.Mutex
	links  map[netip.AddrPort]*memLink
	filter func(from, to netip.AddrPort, p []byte) []byte
}

type memLink struct {
	net    *network
	local  netip.AddrPort
	in     chan memPacket
	closed chan struct{}
	once   sync.Once
	fail   func() error // of WritePacket, nil for none
}

type memPacket struct {
	from netip.AddrPort
	data []byte
}

func newNetwork() *network { return &network{links: map[netip.AddrPort]*memLink{}} }

// setFilter replaces the filter.
func (n *network) setFilter(f func(from, to netip.AddrPort, p []byte) []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.filter = f
}

// link attaches an address.
func (n *network) link(addr string) *memLink {
	l := &memLink{
		net: n, local: netip.AddrPortFrom(netip.MustParseAddr(addr), 0),
		in: make(chan memPacket, 8192), closed: make(chan struct{}),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[l.local] = l
	return l
}

// deliver puts a packet on the wire past the filter.
func (n *network) deliver(from, to netip.AddrPort, p []byte) {
	n.mu.Lock()
	l := n.links[to]
	n.mu.Unlock()
	if l == nil {
		return
	}
	select {
	case l.in <- memPacket{from, slices.Clone(p)}:
	default:
	}
}

func (l *memLink) ReadPacket(buf []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-l.in:
		return copy(buf, p.data), p.from, nil
	case <-l.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (l *memLink) WritePacket(p []byte, to netip.AddrPort) error {
	if l.fail != nil {
		if err := l.fail(); err != nil {
			return err
		}
	}
	l.net.mu.Lock()
	filter := l.net.filter
	l.net.mu.Unlock()
	if filter != nil {
		if p = filter(l.local, to, slices.Clone(p)); p == nil {
			return nil
		}
	}
	l.net.deliver(l.local, to, p)
	return nil
}

// next returns the next packet sent to a link that no endpoint reads.
func (l *memLink) next(t *testing.T) []byte {
	t.Helper()
	select {
	case p := <-l.in:
		return p.data
	case <-time.After(patience):
		t.Fatal("no packet")
		return nil
	}
}

func (l *memLink) Local() netip.AddrPort { return l.local }

func (l *memLink) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// pair is two endpoints, a server listening on port 3863, and one association.
type pair struct {
	net            *network
	clientEnd      *Endpoint
	serverEnd      *Endpoint
	client, server *Conn
}

// server listens on port 3863 of an endpoint and passes the associations on.
func server(t *testing.T, e *Endpoint, o Options) <-chan *Conn {
	t.Helper()
	conns := make(chan *Conn, 4096)
	_, err := e.Listen(ListenConfig{Port: 3863, Serve: func(in *Incoming) bool {
		return e.spawn(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if c, err := in.Handshake(ctx, o); err == nil {
				conns <- c
			}
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	return conns
}

// newPair sets up an association over the network.
func newPair(t *testing.T, n *network, client, srv Options) *pair {
	t.Helper()
	p := &pair{net: n}
	p.clientEnd = NewEndpoint(n.link("10.0.0.1"), Config{})
	p.serverEnd = NewEndpoint(n.link("10.0.0.2"), Config{})
	conns := server(t, p.serverEnd, srv)
	p.client = dial(t, p.clientEnd, DialConfig{Options: client})
	p.server = <-conns
	t.Cleanup(func() {
		p.clientEnd.Close()
		p.serverEnd.Close()
	})
	return p
}

// dial dials port 3863 of 10.0.0.2.
func dial(t *testing.T, e *Endpoint, c DialConfig) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if !c.Remote.IsValid() {
		c.Remote = netip.MustParseAddrPort("10.0.0.2:3863")
	}
	conn, err := e.Dial(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// sendText writes a message and fails the test when that fails.
func sendText(t *testing.T, c *Conn, text string) {
	t.Helper()
	if err := c.WriteMessage(Message{Payload: []byte(text), PPID: 11}); err != nil {
		t.Fatalf("write %q: %v", text, err)
	}
}

// wantText reads a message and compares it.
func wantText(t *testing.T, c *Conn, text string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	m, err := c.ReadMessage()
	if err != nil || string(m.Payload) != text {
		t.Fatalf("got %.40q, %v; want %q", m.Payload, err, text)
	}
}

// wantEnd waits for the end of an association and returns the reason.
func wantEnd(t *testing.T, c *Conn) error {
	t.Helper()
	for {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.ReadMessage(); err != nil {
			select {
			case <-c.Ended():
				return c.Err()
			default:
				t.Fatalf("not ended after %v: %v", patience, err)
			}
		}
	}
}
