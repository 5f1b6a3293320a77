// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Errors of an Endpoint.
var (
	// ErrClosed: the endpoint or the association was closed here.
	ErrClosed = net.ErrClosed
	// ErrPortInUse: the port, or the pair of it and the peer, is taken.
	ErrPortInUse = errors.New("sctp: port in use")
	// ErrTooMany: the endpoint has all the associations it may have.
	ErrTooMany = errors.New("sctp: too many associations")
)

// readPause keeps a link that fails again and again from taking a processor.
const readPause = 10 * time.Millisecond

// Packet is what crossed the link.
type Packet struct {
	Local, Remote netip.AddrPort // port 0 unless in UDP
	Outbound      bool
	Data          []byte // valid during the call only
}

// Config describes an Endpoint.
type Config struct {
	// Associations bounds the associations, those being set up included; 0 is no
	// bound. An INIT above it is lost.
	Associations int
	// FirstPort is the source port of the first association that is dialled, 0 for one
	// at random, as all others have. A peer tells associations apart by address and
	// SCTP ports alone, so endpoints on one address need different ones.
	FirstPort uint16
	// Trace, if set, sees every packet sent, and every intact packet received
	// for a port of this endpoint. It must not block.
	Trace func(Packet)
}

// key tells associations apart.
type key struct {
	peer          netip.Addr
	remote, local uint16
}

// Endpoint runs associations on one link. In UDP it owns every SCTP port, since the
// UDP port is its own. On IP it owns the ports it listens on and those of its
// associations, and is silent about all others: every raw socket of a host gets
// every packet.
type Endpoint struct {
	link   Link
	local  netip.AddrPort
	config Config
	count  counters

	mu        sync.Mutex
	closed    bool
	paths     map[key]*path
	tags      map[uint32]*path // by our own verification tag
	ports     map[uint16]int   // associations by local port
	listeners map[uint16]*ListenConfig
	first     uint16 // Config.FirstPort until it was used

	done    chan struct{}
	running sync.WaitGroup
}

// NewEndpoint runs an endpoint on a link, which it will close.
func NewEndpoint(link Link, c Config) *Endpoint {
	e := &Endpoint{
		link: link, local: link.Local(), config: c, first: c.FirstPort,
		paths: map[key]*path{}, tags: map[uint32]*path{}, ports: map[uint16]int{},
		listeners: map[uint16]*ListenConfig{}, done: make(chan struct{}),
	}
	e.running.Go(e.read)
	return e
}

// Local returns the address of the link.
func (e *Endpoint) Local() netip.AddrPort { return e.local }

// Close closes the link and ends every association without a word to its peer.
// It waits until all have ended.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.done)
	left := make([]*path, 0, len(e.paths))
	for _, p := range e.paths {
		left = append(left, p)
	}
	e.mu.Unlock()
	err := e.link.Close()
	for _, p := range left {
		p.Close()
	}
	e.running.Wait()
	return err
}

// spawn runs f so that Close waits for it; it reports whether it does.
func (e *Endpoint) spawn(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.running.Go(f)
	}
	return !e.closed
}

// read takes packets off the link until it is closed.
func (e *Endpoint) read() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := e.link.ReadPacket(buf)
		switch {
		case err == nil:
			e.receive(buf[:n], from)
		case errors.Is(err, net.ErrClosed):
			return
		default: // an ICMP error or a lack of memory: like a lost packet
			e.count.linkErrors.Add(1)
			select {
			case <-e.done:
				return
			case <-time.After(readPause):
			}
		}
	}
}

// receive brings a packet to its association, or answers it.
func (e *Endpoint) receive(p []byte, from netip.AddrPort) {
	if len(p) < minPacketLen {
		return
	}
	to, listener, ours := e.find(p, from)
	switch {
	case !ours:
		return
	case len(p) > maxPacketLen:
		e.count.oversize.Add(1)
		return
	case !intact(p):
		e.count.badChecksum.Add(1)
		return
	}
	e.trace(e.localFor(to), from, false, p)
	if to == nil && listener != nil && isInit(p) && p[headerLen] == chunkInit {
		to = e.accept(p, from, listener)
		if to == nil {
			return
		}
	}
	if to == nil {
		e.answer(p, from)
		return
	}
	to.receive(p, from)
}

// find returns the association of a packet and the listener of its port, and
// whether the port is this endpoint's.
func (e *Endpoint) find(p []byte, from netip.AddrPort) (*path, *ListenConfig, bool) {
	src, dst := sourcePort(p), destinationPort(p)
	e.mu.Lock()
	defer e.mu.Unlock()
	to := e.paths[key{from.Addr(), src, dst}]
	if to == nil {
		// A multi-homed peer sends from any of its addresses.
		if t := e.tags[verificationTag(p)]; t != nil && t.key.remote == src && t.key.local == dst {
			to = t
		}
	}
	l := e.listeners[dst]
	encapsulated := e.local.Port() != 0
	return to, l, encapsulated || to != nil || l != nil || e.ports[dst] > 0
}

// accept makes an association for an INIT and gives it to the listener, unless
// one of them has enough.
func (e *Endpoint) accept(p []byte, from netip.AddrPort, l *ListenConfig) *path {
	k := key{from.Addr(), sourcePort(p), destinationPort(p)}
	to, err := e.open(k, from, true, l.Trace)
	if err != nil {
		e.count.refused.Add(1)
		return nil
	}
	if !l.Serve(&Incoming{path: to}) {
		e.count.refused.Add(1)
		to.Close()
		return nil
	}
	return to
}

// answer answers a packet out of the blue. With a link on every address it may
// see its own packets, and answers none.
func (e *Endpoint) answer(p []byte, from netip.AddrPort) {
	e.count.outOfTheBlue.Add(1)
	if e.local.Addr().IsUnspecified() {
		return
	}
	if a := outOfTheBlue(p); a != nil {
		seal(a, destinationPort(p), sourcePort(p))
		e.trace(e.local, from, true, a)
		if err := e.link.WritePacket(a, from); err != nil {
			e.count.linkErrors.Add(1)
		}
	}
}

// trace shows a packet to Config.Trace.
func (e *Endpoint) trace(local, remote netip.AddrPort, outbound bool, p []byte) {
	if e.config.Trace != nil {
		e.config.Trace(Packet{Local: local, Remote: remote, Outbound: outbound, Data: p})
	}
}

// localFor returns the local address of a packet of a path.
func (e *Endpoint) localFor(p *path) netip.AddrPort {
	if p == nil {
		return e.local
	}
	return p.local
}

// open adds an association.
func (e *Endpoint) open(k key, peer netip.AddrPort, passive bool, trace func(Packet)) (*path, error) {
	p := newPath(e, k, peer, passive, trace)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil, ErrClosed
	case e.paths[k] != nil:
		return nil, fmt.Errorf("%w: %d to %v port %d", ErrPortInUse, k.local, k.peer, k.remote)
	case e.config.Associations > 0 && len(e.paths) >= e.config.Associations:
		return nil, fmt.Errorf("%w: %d", ErrTooMany, len(e.paths))
	}
	e.paths[k] = p
	e.ports[k.local]++
	return p, nil
}

// forget removes an association.
func (e *Endpoint) forget(p *path) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.paths[p.key] != p {
		return
	}
	delete(e.paths, p.key)
	for _, tag := range p.tags.all() {
		delete(e.tags, tag)
	}
	if e.ports[p.key.local]--; e.ports[p.key.local] == 0 {
		delete(e.ports, p.key.local)
	}
}
