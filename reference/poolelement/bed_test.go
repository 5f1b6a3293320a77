// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	pool      = "EchoPool"
	otherPool = "PrivatePool"
	peID      = wire.PEID(0x12345678)
	server1   = wire.ServerID(0x0a0b0c01)
	server2   = wire.ServerID(0x0a0b0c02)
	rogueID   = wire.ServerID(0x66666666)
)

// elementHost is where the element is (RFC 5737).
var elementHost = netip.MustParseAddr("192.0.2.1")

// registrarAt is the n-th registrar of the network.
func registrarAt(n int) poolelement.Registrar {
	return poolelement.Registrar{
		Transport: association.SCTPUDP,
		Addr:      netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), wire.PortASAPTLS),
	}
}

// errRefused is what a dial to a closed port returns.
var errRefused = errors.New("connection refused")

// bed is a network of registrars and an element in it.
type bed struct {
	t    *testing.T
	e    *poolelement.Element
	hear chan datagram

	mu      sync.Mutex
	hosts   map[netip.AddrPort]host
	dials   []dial
	open    int // associations set up or being set up
	openMax int
}

type dial struct {
	at   time.Duration // since the start
	addr netip.AddrPort
}

// host is how a registrar takes calls.
type host struct {
	accept   chan *node                   // nil: the call is refused, or lost
	lost     bool                         // no answer at all
	identity func(info *association.Info) // changes what the handshake shows
}

func newBed(t *testing.T) *bed {
	return &bed{t: t, hosts: make(map[netip.AddrPort]host), hear: make(chan datagram)}
}

// up lets the n-th registrar take calls.
func (b *bed) up(n int) *host { return b.upAs(n, nil) }

func (b *bed) upAs(n int, identity func(*association.Info)) *host {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := host{accept: make(chan *node, 64), identity: identity}
	b.hosts[registrarAt(n).Addr] = h
	return &h
}

// lose lets calls to the n-th registrar be lost.
func (b *bed) lose(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[registrarAt(n).Addr] = host{lost: true}
}

func (b *bed) down(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.hosts, registrarAt(n).Addr)
}

// next waits for the next call.
func (h *host) next() *node { return <-h.accept }

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a synctest bubble begins

func (b *bed) dial(ctx context.Context, r poolelement.Registrar) (association.Association, error) {
	b.mu.Lock()
	b.dials = append(b.dials, dial{time.Since(epoch), r.Addr})
	b.open++
	b.openMax = max(b.openMax, b.open)
	h, up := b.hosts[r.Addr]
	b.mu.Unlock()
	switch {
	case h.lost:
		<-ctx.Done()
		b.closed()
		return nil, ctx.Err()
	case !up:
		b.closed()
		return nil, fmt.Errorf("%w: %s", errRefused, r.Addr)
	}
	info := association.Info{
		Transport: association.SCTPUDP, Secured: true,
		Local: netip.AddrPortFrom(elementHost, 5000), Remote: r.Addr, PeerAddrs: []netip.Addr{r.Addr.Addr()},
		Identity: tlspsk.Identity{Kind: tlspsk.PSK, Name: "alice"},
	}
	if h.identity != nil {
		h.identity(&info)
	}
	far, near := memory.Pair(info, info)
	go func() { <-near.Done(); b.closed() }()
	h.accept <- &node{t: b.t, assoc: far}
	return near, nil
}

func (b *bed) closed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
}

// calls returns the dials so far.
func (b *bed) calls() []dial {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]dial(nil), b.dials...)
}

// come lets a node set up an association with the element, with the given identity; "" comes
// over TLS without one, "clear" without TLS.
func (b *bed) come(identity string) *node {
	info := association.Info{
		Transport: association.SCTPUDP, Secured: identity != "clear",
		Local: netip.AddrPortFrom(elementHost, 3864), Remote: netip.MustParseAddrPort("198.51.100.66:7000"),
	}
	if identity != "" && identity != "clear" {
		info.Identity = tlspsk.Identity{Kind: tlspsk.PSK, Name: identity}
	}
	far, near := memory.Pair(info, info)
	go b.e.Serve(near)
	synctest.Wait()
	return &node{t: b.t, assoc: far}
}

// event waits for an event of a kind and returns it; others before it are skipped.
func (b *bed) event(kind poolelement.EventKind) poolelement.Event {
	b.t.Helper()
	for ev := range b.e.Events() {
		if ev.Kind == kind {
			return ev
		}
	}
	b.t.Fatalf("no event %s", kind)
	return poolelement.Event{}
}

// none fails when an event of a kind is waiting; it takes all that wait.
func (b *bed) none(kind poolelement.EventKind) {
	b.t.Helper()
	synctest.Wait()
	for {
		select {
		case ev := <-b.e.Events():
			if ev.Kind == kind {
				b.t.Fatalf("event %+v", ev)
			}
		default:
			return
		}
	}
}

// datagram is one that the element hears.
type datagram struct {
	payload []byte
	from    netip.AddrPort
}

// datagrams is the socket for announcements.
type datagrams struct {
	hear chan datagram
	done chan struct{}
	once sync.Once
}

func (d *datagrams) Receive(ctx context.Context) ([]byte, netip.AddrPort, error) {
	select {
	case m := <-d.hear:
		return m.payload, m.from, nil
	case <-d.done:
		return nil, netip.AddrPort{}, association.ErrClosed
	case <-ctx.Done():
		return nil, netip.AddrPort{}, ctx.Err()
	}
}

func (d *datagrams) Close() error {
	d.once.Do(func() { close(d.done) })
	return nil
}

// config returns a secured element that knows the first n registrars and the pool.
func config(n int) poolelement.Config {
	cfg := poolelement.Config{
		Identity: "alice", Key: []byte("alice's key, 16+"),
		Pools: []poolelement.Pool{{Handle: []byte(pool), ID: peID, Life: 60}},
		RegistrarKeys: []poolelement.RegistrarKey{
			{Name: "registrar-2", Key: []byte("registrar 2's key"), Server: server2},
			{Name: "registrar-9", Key: []byte("registrar 9's key")},
		},
	}
	for i := range n {
		cfg.Registrars = append(cfg.Registrars, registrarAt(i+1))
	}
	return cfg
}

// run runs f in a synctest bubble with a network that setup has prepared, and an element.
func run(t *testing.T, cfg poolelement.Config, setup func(b *bed), f func(t *testing.T, b *bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		cfg := cfg
		cfg.Dial = b.dial
		if cfg.Announcements != nil {
			a := *cfg.Announcements
			a.Datagrams = &datagrams{hear: b.hear, done: make(chan struct{})}
			cfg.Announcements = &a
		}
		setup(b)
		e, err := poolelement.Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		b.e = e
		defer func() { _ = e.Close(context.Background()) }() // whether it was confirmed is for the tests of Close
		f(t, b)
	})
}

// registered returns the association with the first registrar, over which the pool was
// registered.
func (b *bed) registered(h *host) *node {
	b.t.Helper()
	n := h.next()
	n.grant()
	b.event(poolelement.Registered)
	return n
}

// times returns when each dial was made.
func times(dials []dial) []time.Duration {
	var at []time.Duration
	for _, d := range dials {
		at = append(at, d.at)
	}
	return at
}

func seconds(s ...int) []time.Duration {
	var d []time.Duration
	for _, n := range s {
		d = append(d, time.Duration(n)*time.Second)
	}
	return d
}
