// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"crypto/rand"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/transport/v5/deadline"

	"github.com/rspthreat/rspthreat/reference/association/backlog"
)

const (
	// enginePort is the only port the engine knows.
	enginePort = 5000
	// maxStreams is the number of streams we take in each association; RSerPool
	// uses stream 0.
	maxStreams = 16
	// pathQueue holds a full receive window of packets of 250 octets.
	pathQueue = 1024
)

// path carries the packets of one association; it is the engine's net.Conn. An
// error from Write would stop the engine, so only a closed path returns one.
type path struct {
	endpoint *Endpoint
	key      key
	local    netip.AddrPort
	passive  bool // the peer sent the INIT
	trace    func(Packet)

	tags tags // guarded by Endpoint.mu

	mu      sync.Mutex
	peer    netip.AddrPort
	met     bool // the peer's INIT or INIT ACK is known
	addrs   []netip.Addr
	streams uint16 // what the peer takes
	nonce   [nonceLen]byte
	proof   time.Time // when the peer last showed that it receives us
	failure error     // of the last write

	aborted  atomic.Bool // ABORT received
	finished atomic.Bool // SHUTDOWN ACK or SHUTDOWN COMPLETE received

	shutdown     chan struct{} // closed by the first SHUTDOWN received
	shutdownOnce sync.Once

	in                *backlog.Queue
	done              chan struct{}
	once              sync.Once
	readEnd, writeEnd *deadline.Deadline
}

func newPath(e *Endpoint, k key, peer netip.AddrPort, passive bool, trace func(Packet)) *path {
	p := &path{
		endpoint: e, key: k, peer: peer, passive: passive, trace: trace,
		local: e.local, addrs: []netip.Addr{peer.Addr()}, proof: time.Now(),
		shutdown: make(chan struct{}), in: backlog.New(pathQueue), done: make(chan struct{}),
		readEnd: deadline.New(), writeEnd: deadline.New(),
	}
	if p.local.Addr().IsUnspecified() {
		p.local = netip.AddrPortFrom(SourceFor(peer.Addr(), p.local.Addr()), p.local.Port())
	}
	rand.Read(p.nonce[:])
	return p
}

// receive takes a packet off the link: it checks the tag, learns what the packet
// says about the peer, and gives a copy to the engine.
func (p *path) receive(packet []byte, from netip.AddrPort) {
	e := p.endpoint
	e.mu.Lock()
	ok, gone := p.tags.valid(packet)
	if gone != 0 {
		delete(e.tags, gone)
	}
	e.mu.Unlock()
	if !ok {
		e.count.badTag.Add(1)
		return
	}
	if p.trace != nil {
		p.trace(Packet{Local: p.local, Remote: from, Data: packet})
	}
	p.learn(packet, from)
	b := slices.Clone(packet)
	if isInit(b) {
		b = sanitizeInit(b)
	}
	seal(b, enginePort, enginePort)
	if !p.in.Push(b) {
		e.count.queueFull.Add(1)
	}
}

// learn notes what a packet with a valid tag says.
func (p *path) learn(packet []byte, from netip.AddrPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isInit(packet) {
		// Once, and from the one that makes this association: any INIT needs no
		// tag, so another one proves nothing.
		if passive := packet[headerLen] == chunkInit; !p.met && passive == p.passive {
			p.met, p.streams = true, inboundStreams(packet)
			p.addAddrs(append(initAddresses(packet), from.Addr()))
		}
		return
	}
	if from.Addr() == p.peer.Addr() {
		p.peer = from // RFC 6951 section 5.4: follow the peer's UDP port
	}
	for c := range chunks(packet) {
		switch c[0] {
		case chunkSack, chunkCookieEcho, chunkCookieAck:
			p.proof = time.Now()
		case chunkHeartbeatAck:
			if acknowledges(c, &p.nonce) {
				p.proof = time.Now()
			}
		case chunkAbort:
			p.aborted.Store(true)
		case chunkShutdown:
			p.shutdownOnce.Do(func() { close(p.shutdown) })
		case chunkShutdownAck, chunkShutdownComplete:
			p.finished.Store(true)
		}
	}
}

// addAddrs adds addresses of the peer that are not known yet.
func (p *path) addAddrs(found []netip.Addr) {
	for _, a := range found {
		if !slices.Contains(p.addrs, a) {
			p.addrs = append(p.addrs, a)
		}
	}
}

// silence returns how long ago the peer last showed that it receives us.
func (p *path) silence() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.proof)
}

// heartbeat sends a HEARTBEAT; the engine sends none that is well-formed.
func (p *path) heartbeat() {
	p.endpoint.mu.Lock()
	tag := p.tags.peer
	p.endpoint.mu.Unlock()
	p.send(appendHeartbeat(nil, tag, &p.nonce))
}

// Read returns one packet, between the engine's ports.
func (p *path) Read(b []byte) (int, error) {
	for {
		if packet, ok := p.in.Pop(); ok { // what has arrived goes before the end
			return copy(b, packet), nil
		}
		select {
		case <-p.in.Some():
		case <-p.done:
			if packet, ok := p.in.Pop(); ok {
				return copy(b, packet), nil
			}
			return 0, ErrClosed
		case <-p.readEnd.Done():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write sends one packet of the engine.
func (p *path) Write(b []byte) (int, error) {
	select {
	case <-p.done:
		return 0, ErrClosed
	case <-p.writeEnd.Done():
		return 0, os.ErrDeadlineExceeded
	default:
	}
	if isEmptyHeartbeat(b) {
		return len(b), nil // kernels abort the association that says it
	}
	packet := slices.Clone(b)
	e := p.endpoint
	e.mu.Lock()
	gone, added := p.tags.sent(packet)
	if gone != 0 {
		delete(e.tags, gone)
	}
	if added != 0 {
		e.tags[added] = p
	}
	e.mu.Unlock()
	if isInit(packet) {
		limitStreams(packet, maxStreams)
	}
	p.send(packet)
	return len(b), nil
}

// send writes ports and checksum and sends a packet. A failure is loss.
func (p *path) send(packet []byte) {
	seal(packet, p.key.local, p.key.remote)
	p.mu.Lock()
	to := p.peer
	p.mu.Unlock()
	p.endpoint.trace(p.local, to, true, packet)
	if p.trace != nil {
		p.trace(Packet{Local: p.local, Remote: to, Outbound: true, Data: packet})
	}
	err := p.endpoint.link.WritePacket(packet, to)
	if err != nil {
		p.endpoint.count.linkErrors.Add(1)
	}
	p.mu.Lock()
	p.failure = err
	p.mu.Unlock()
}

// Close ends the path; packets that follow are out of the blue.
func (p *path) Close() error {
	p.once.Do(func() {
		close(p.done)
		p.endpoint.forget(p)
	})
	return nil
}

// LocalAddr returns the local address and SCTP port.
func (p *path) LocalAddr() net.Addr { return Addr{netip.AddrPortFrom(p.local.Addr(), p.key.local)} }

// RemoteAddr returns the peer's address and SCTP port.
func (p *path) RemoteAddr() net.Addr { return Addr{netip.AddrPortFrom(p.key.peer, p.key.remote)} }

// SetDeadline sets both deadlines.
func (p *path) SetDeadline(t time.Time) error {
	p.readEnd.Set(t)
	p.writeEnd.Set(t)
	return nil
}

// SetReadDeadline sets the deadline of Read.
func (p *path) SetReadDeadline(t time.Time) error {
	p.readEnd.Set(t)
	return nil
}

// SetWriteDeadline sets the deadline of Write.
func (p *path) SetWriteDeadline(t time.Time) error {
	p.writeEnd.Set(t)
	return nil
}

// Addr is an address with an SCTP port.
type Addr struct{ netip.AddrPort }

// Network returns "sctp".
func (Addr) Network() string { return "sctp" }
