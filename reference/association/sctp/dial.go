// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	// firstEphemeral is the first of the dynamic ports (RFC 6335 section 6).
	firstEphemeral = 49152
	// portAttempts finds a free port unless nearly all are taken.
	portAttempts = 100
)

// Options say how an association behaves.
type Options struct {
	// PPID is the payload protocol identifier of Write.
	PPID uint32
	// MaxMessage is the longest message taken, 0 for MaxMessage. A longer one
	// aborts the association.
	MaxMessage int
	// SingleStream discards what does not come on stream 0.
	SingleStream bool
	// Liveness is the time after which a peer that acknowledges nothing is given
	// up; 0 is never.
	Liveness time.Duration
}

// DialConfig says where to.
type DialConfig struct {
	Options
	Remote    netip.AddrPort // SCTP port
	UDPPort   uint16         // encapsulation port, 0 on IP
	LocalPort uint16         // 0 for any
	Trace     func(Packet)   // of this association alone
}

// Dial sets up an association, until ctx ends.
func (e *Endpoint) Dial(ctx context.Context, c DialConfig) (*Conn, error) {
	remote := netip.AddrPortFrom(c.Remote.Addr().Unmap(), c.Remote.Port())
	p, err := e.openAny(remote, netip.AddrPortFrom(remote.Addr(), c.UDPPort), c)
	if err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", c.Remote, err)
	}
	engine, err := connect(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", c.Remote, err)
	}
	return newConn(p, engine, c.Options)
}

// openAny opens an association from the port of c or any free one.
func (e *Endpoint) openAny(remote, peer netip.AddrPort, c DialConfig) (*path, error) {
	k := key{peer: remote.Addr(), remote: remote.Port(), local: c.LocalPort}
	if k.local != 0 {
		return e.open(k, peer, false, c.Trace)
	}
	first := e.firstPort()
	for attempt := range portAttempts {
		if k.local = first; attempt > 0 || first == 0 {
			k.local = firstEphemeral + uint16(rand.IntN(1<<16-firstEphemeral))
		}
		if e.listens(k.local) {
			continue
		}
		p, err := e.open(k, peer, false, c.Trace)
		if !errors.Is(err, ErrPortInUse) {
			return p, err
		}
	}
	return nil, fmt.Errorf("%w: %d attempts", ErrPortInUse, portAttempts)
}

// firstPort returns Config.FirstPort once, and 0 from then on: the peer may still be ending the
// first association when the next one is dialled.
func (e *Endpoint) firstPort() uint16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	port := e.first
	e.first = 0
	return port
}
