// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// recorder keeps packets.
type recorder struct {
	mu      sync.Mutex
	packets []Packet
}

func (r *recorder) trace(p Packet) {
	p.Data = slices.Clone(p.Data)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets = append(r.packets, p)
}

// all returns what was recorded.
func (r *recorder) all() []Packet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.packets)
}

func TestKernelInitIsAnswered(t *testing.T) {
	n := newNetwork()
	e := NewEndpoint(n.link("10.0.0.2"), Config{})
	defer e.Close()
	server(t, e, Options{})
	peer := n.link("10.0.0.1")
	p := unhex(t, linuxInit)
	seal(p, 54321, 3863)
	n.deliver(peer.local, e.Local(), p)
	ack := peer.next(t)
	if ack[headerLen] != chunkInitAck || verificationTag(ack) != 0xa1b2c3d4 {
		t.Errorf("answer %x", ack)
	}
	if s := inboundStreams(ack); s != maxStreams {
		t.Errorf("%d streams offered", s)
	}
}

func TestPacketsOnTheWireHaveRealPortsAndChecksums(t *testing.T) {
	var r recorder
	n := newNetwork()
	a := NewEndpoint(n.link("10.0.0.1"), Config{Trace: r.trace})
	b := NewEndpoint(n.link("10.0.0.2"), Config{})
	defer a.Close()
	defer b.Close()
	conns := server(t, b, Options{})
	c := dial(t, a, DialConfig{LocalPort: 40000})
	sendText(t, c, "x")
	wantText(t, <-conns, "x")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[uint8]bool{}
	for _, p := range r.all() {
		src, dst := uint16(40000), uint16(3863)
		if !p.Outbound {
			src, dst = dst, src
		}
		if sourcePort(p.Data) != src || destinationPort(p.Data) != dst || !intact(p.Data) {
			t.Errorf("outbound %v: %x", p.Outbound, p.Data)
		}
		seen[p.Data[headerLen]] = true
		if isInit(p.Data) {
			parameters(p.Data, func(typ uint16, b []byte, n int) {
				if typ == 0x8008 && slices.Contains(b[4:n], 0x40) {
					t.Error("interleaving (I-DATA) offered")
				}
			})
		}
	}
	for _, typ := range []uint8{chunkInit, chunkInitAck, chunkData, chunkSack, chunkShutdown, chunkShutdownAck, chunkShutdownComplete} {
		if !seen[typ] {
			t.Errorf("no chunk of type %d recorded", typ)
		}
	}
}

func TestMultiHomedPeerMayAnswerFromAnotherAddress(t *testing.T) {
	n := newNetwork()
	other := n.link("10.0.0.3")
	n.setFilter(func(from, to netip.AddrPort, b []byte) []byte {
		if from.Addr() == netip.MustParseAddr("10.0.0.2") {
			n.deliver(other.local, to, b)
			return nil
		}
		return b
	})
	p := newPair(t, n, Options{}, Options{})
	sendText(t, p.server, "from the other address")
	wantText(t, p.client, "from the other address")
	want := []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")}
	if got := p.client.PeerAddrs(); !slices.Equal(got, want) {
		t.Errorf("peer addresses %v, want %v", got, want)
	}
}

// An INIT needs no tag: anybody can send one.
func TestLaterInitDoesNotChangeThePeersAddresses(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	before := p.server.PeerAddrs()
	b := unhex(t, linuxInit)
	seal(b, p.client.path.key.local, 3863)
	p.net.deliver(p.client.path.local, p.serverEnd.Local(), b)
	sendText(t, p.client, "after it")
	wantText(t, p.server, "after it")
	if got := p.server.PeerAddrs(); !slices.Equal(got, before) {
		t.Errorf("peer addresses %v, before %v", got, before)
	}
}

func TestPacketWithAWrongTagIsIgnored(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	abort := func(tag uint32, flags byte) {
		b := make([]byte, minPacketLen)
		binary.BigEndian.PutUint32(b[4:], tag)
		b[headerLen], b[headerLen+1], b[headerLen+3] = chunkAbort, flags, 4
		seal(b, p.client.path.key.local, 3863)
		p.net.deliver(p.client.path.local, p.serverEnd.Local(), b)
	}
	tags := &p.server.path.tags
	for _, wrong := range []uint32{0, 1, tags.own + 1, tags.peer} {
		abort(wrong, 0)
	}
	abort(tags.own, flagReflected)
	sendText(t, p.client, "unharmed")
	wantText(t, p.server, "unharmed")
	if got := p.serverEnd.Stats().BadTag; got != 5 {
		t.Errorf("%d packets with a bad tag", got)
	}
	abort(tags.own, 0)
	if err := wantEnd(t, p.server); !errors.Is(err, ErrAborted) {
		t.Errorf("right tag: %v", err)
	}
}

func TestOutOfTheBlueIsAnsweredForOurPortsOnly(t *testing.T) {
	n := newNetwork()
	e := NewEndpoint(n.link("10.0.0.2"), Config{})
	defer e.Close()
	server(t, e, Options{})
	peer := n.link("10.0.0.1")
	for _, port := range []uint16{9901, 3863} {
		p := unhex(t, "0000000000000007000000000300001000000001000000000000000000000000")
		seal(p, 50000, port)
		n.deliver(peer.local, e.Local(), p)
	}
	answer := peer.next(t)
	if sourcePort(answer) != 3863 || answer[headerLen] != chunkAbort || !intact(answer) {
		t.Errorf("answer %x", answer)
	}
	if len(peer.in) != 0 || e.Stats().OutOfTheBlue != 1 {
		t.Errorf("%d more answers, %+v", len(peer.in), e.Stats())
	}
}

func TestDialToASilentPortTellsTheLastError(t *testing.T) {
	n := newNetwork()
	l := n.link("10.0.0.1")
	unreachable := errors.New("network is unreachable")
	l.fail = func() error { return unreachable }
	e := NewEndpoint(l, Config{})
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := e.Dial(ctx, DialConfig{Remote: netip.MustParseAddrPort("10.0.0.2:3863")})
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, unreachable) {
		t.Errorf("dial: %v", err)
	}
}

// A client that lost its memory comes back from the same port.
func TestPeerMayRestart(t *testing.T) {
	n := newNetwork()
	p := newPair(t, n, Options{}, Options{})
	sendText(t, p.client, "before")
	wantText(t, p.server, "before")
	local := p.client.path.key.local
	n.setFilter(dropAll) // a crash says nothing
	p.clientEnd.Close()
	n.setFilter(nil)
	again := NewEndpoint(n.link("10.0.0.1"), Config{})
	defer again.Close()
	c := dial(t, again, DialConfig{LocalPort: local})
	sendText(t, c, "after")
	wantText(t, p.server, "after")
	sendText(t, p.server, "welcome back")
	wantText(t, c, "welcome back")
	if err := c.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsAssociations(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	sendText(t, p.server, "never read")
	p.clientEnd.Close()
	<-p.client.Ended()
	if err := p.client.Err(); !errors.Is(err, ErrClosed) {
		t.Errorf("ended: %v", err)
	}
	if _, err := p.clientEnd.Dial(t.Context(), DialConfig{Remote: netip.MustParseAddrPort("10.0.0.2:3863")}); !errors.Is(err, ErrClosed) {
		t.Errorf("dial after close: %v", err)
	}
}
