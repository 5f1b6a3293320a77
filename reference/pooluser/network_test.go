// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is what a pool user can dial in a test.
type network struct {
	t *testing.T

	silent bool // what happens where there is no host: nothing, or the dial is refused

	mu    sync.Mutex
	hosts map[netip.AddrPort]*host
	log   []string // what happened, in order
}

// host is a listener. Its fields may be changed between dials.
type host struct {
	name     string
	net      *network
	addr     netip.AddrPort
	accepted chan *memory.Association                     // the far ends
	info     association.Info                             // how its associations look over TLS
	dial     func(context.Context, pooluser.Target) error // an error refuses
	dials    int
	last     pooluser.Target
}

func newNetwork(t *testing.T) *network {
	return &network{t: t, hosts: make(map[netip.AddrPort]*host)}
}

// verified is how an association looks whose far end has shown its certificate.
var verified = association.Info{
	Secured: true, Identity: tlspsk.Identity{Kind: tlspsk.Certificate, Name: "CN=far end"},
	TLS: tlspsk.State{Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256"},
}

// add opens a listener that accepts everybody.
func (n *network) add(name, addr string) *host {
	h := &host{
		name: name, net: n, addr: netip.MustParseAddrPort(addr), info: verified,
		accepted: make(chan *memory.Association, 256), // a test dials less often
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[h.addr] = h
	return h
}

// note adds a line to the log.
func (n *network) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, fmt.Sprintf(format, args...))
}

func (n *network) lines() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.log...)
}

// dialFunc is Config.Dial.
func (n *network) dialFunc(ctx context.Context, t pooluser.Target) (association.Association, error) {
	n.mu.Lock()
	h := n.hosts[t.Addr]
	if h == nil {
		n.mu.Unlock()
		if n.silent {
			<-ctx.Done()
		}
		return nil, fmt.Errorf("dial %s: %w", t.Addr, syscall.ECONNREFUSED)
	}
	h.dials++
	h.last = t
	refuse, info := h.dial, h.info
	n.log = append(n.log, "dial "+h.name)
	n.mu.Unlock()
	if refuse != nil {
		if err := refuse(ctx, t); err != nil {
			return nil, err
		}
	}
	if t.TLS == nil {
		info = association.Info{}
	}
	info.Transport, info.Remote = t.Transport, t.Addr
	near, far := memory.Pair(info, info)
	h.accepted <- far
	return near, nil
}

func (h *host) count() int {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.dials
}

func (h *host) target() pooluser.Target {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	return h.last
}

// refuse makes dialling fail from now on; nil ends that.
func (h *host) refuse(err error) {
	h.answer(func(context.Context, pooluser.Target) error { return err })
}

func (h *host) answer(f func(context.Context, pooluser.Target) error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	h.dial = f
}

// silent makes dialling take until it is given up.
func (h *host) silent() {
	h.answer(func(ctx context.Context, _ pooluser.Target) error {
		<-ctx.Done()
		return ctx.Err()
	})
}

// accept returns the far end of the next association.
func (h *host) accept() *node {
	h.net.t.Helper()
	select {
	case m := <-h.accepted:
		return &node{host: h, Association: m}
	case <-h.net.t.Context().Done():
		h.net.t.Fatal("test ended")
	}
	return nil
}

// node speaks ASAP at the far end of an association.
type node struct {
	*memory.Association
	host *host
}

func (n *node) send(m wire.Message) {
	n.host.net.t.Helper()
	b, err := wire.Encode(m)
	if err != nil {
		n.host.net.t.Fatal(err)
	}
	n.sendBytes(b)
}

func (n *node) sendBytes(b []byte) {
	// An error means that the pool user has left, which the test will see.
	_ = n.Send(n.host.net.t.Context(), association.Message{Payload: b, PPID: wire.PPIDASAP})
}

// next returns the next message, nil at the end of the association.
func (n *node) next() wire.Message {
	n.host.net.t.Helper()
	m, err := n.Receive(n.host.net.t.Context())
	if err != nil {
		return nil
	}
	message, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if err != nil {
		n.host.net.t.Fatalf("the pool user sent %x: %v", m.Payload, err)
	}
	return message
}

// pending returns the messages that have arrived and were not read.
func (n *node) pending() []association.Message {
	var all []association.Message
	for {
		select {
		case m := <-n.Incoming():
			all = append(all, m)
		default:
			return all
		}
	}
}
