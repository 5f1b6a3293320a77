// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	pion "github.com/pion/sctp"
	"github.com/pion/transport/v5/deadline"
)

// Why an association ended, or refused to do something.
var (
	// ErrAborted: the peer sent an ABORT.
	ErrAborted = errors.New("sctp: ABORT by the peer")
	// ErrUnreachable: the peer acknowledged nothing for the liveness time.
	ErrUnreachable = errors.New("sctp: no acknowledgement by the peer")
	// ErrLength: a message is empty, which SCTP cannot carry, or too long.
	ErrLength = errors.New("sctp: message length out of range")
	// ErrStream: the peer does not take the stream, or uses one we do not take.
	ErrStream = errors.New("sctp: invalid stream")
)

// closeTimeout is how long Close tries to end gracefully.
const closeTimeout = 2 * time.Second

// Message is one user message.
type Message struct {
	Payload []byte
	PPID    uint32
	Stream  uint16
}

// Conn is an association. As a net.Conn it is stream 0 and preserves messages:
// each Write is one, each Read returns one, or the rest of one when b was too
// short. Shutdown, Abort or Close must be called. Reads must go on while
// Shutdown waits, or the peer's last messages may fill the window.
type Conn struct {
	path    *path
	engine  *pion.Association
	options Options

	mu       sync.Mutex
	streams  map[uint16]*pion.Stream
	writeEnd time.Time
	closing  bool  // no more readers
	cause    error // why the association ended, if we know better than the path
	words    error // what the engine said when it ended
	readers  sync.WaitGroup

	in      chan Message
	stop    chan struct{} // discard what arrives
	halt    sync.Once
	ended   chan struct{}
	readEnd *deadline.Deadline

	restMu sync.Mutex
	rest   []byte
}

// newConn runs an association whose handshake is done.
func newConn(p *path, engine *pion.Association, o Options) (*Conn, error) {
	if o.MaxMessage <= 0 || o.MaxMessage > MaxMessage {
		o.MaxMessage = MaxMessage
	}
	c := &Conn{
		path: p, engine: engine, options: o,
		streams: map[uint16]*pion.Stream{}, in: make(chan Message), stop: make(chan struct{}),
		ended: make(chan struct{}), readEnd: deadline.New(),
	}
	if !p.endpoint.spawn(c.collect) {
		p.Close()
		return nil, ErrClosed
	}
	p.endpoint.spawn(c.supervise)
	return c, nil
}

// Ended is closed when the association has ended and everything that arrived
// before was read or discarded.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Err says why the association ended: io.EOF after a SHUTDOWN, ErrAborted,
// ErrUnreachable, ErrLength, ErrStream, or ErrClosed. It is nil before that.
func (c *Conn) Err() error {
	select {
	case <-c.ended:
		return c.cause
	default:
		return nil
	}
}

// PeerAddrs returns the addresses the peer may use.
func (c *Conn) PeerAddrs() []netip.Addr {
	c.path.mu.Lock()
	defer c.path.mu.Unlock()
	return slices.Clone(c.path.addrs)
}

// Shutdown delivers what was written, then ends the association together with
// the peer. When ctx ends before that, it aborts and returns the error of ctx.
func (c *Conn) Shutdown(ctx context.Context) error {
	err := c.engine.Shutdown(ctx)
	if errors.Is(err, pion.ErrShutdownNonEstablished) { // the peer began, or another Shutdown
		select {
		case <-c.path.done:
			err = nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		c.Abort("shutdown not completed")
		return fmt.Errorf("sctp: shutdown: %w", err)
	}
	_ = c.engine.Close() // waits for the engine
	switch {
	case c.path.aborted.Load():
		return fmt.Errorf("sctp: shutdown: %w", ErrAborted)
	case !c.path.finished.Load():
		return fmt.Errorf("sctp: shutdown: %w", ErrClosed)
	}
	return nil
}

// Abort sends an ABORT with the reason and ends the association.
func (c *Conn) Abort(reason string) {
	c.halt.Do(func() { close(c.stop) })
	c.abort(reason)
}

// abort sends an ABORT unless there is nothing left to abort: the engine would
// wait in vain for it to be sent.
func (c *Conn) abort(reason string) {
	select {
	case <-c.path.done:
	default:
		c.engine.Abort(reason)
	}
	_ = c.engine.Close()
}

// fail aborts an association for a reason of our own.
func (c *Conn) fail(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.mu.Unlock()
	c.abort(cause.Error())
}

// Close discards what arrives, and ends the association gracefully if that is
// soon done, otherwise by ABORT.
func (c *Conn) Close() error {
	c.halt.Do(func() { close(c.stop) })
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := c.Shutdown(ctx)
	if errors.Is(err, ErrClosed) || errors.Is(err, ErrAborted) {
		return nil
	}
	return err
}

// finish finds out why the association has ended.
func (c *Conn) finish() {
	c.path.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.cause != nil:
	case c.path.aborted.Load() && c.words != nil:
		c.cause = fmt.Errorf("%w: %w", ErrAborted, c.words)
	case c.path.aborted.Load():
		c.cause = ErrAborted
	case c.path.finished.Load():
		c.cause = io.EOF
	default:
		c.cause = ErrClosed
	}
	close(c.ended)
}

// LocalAddr returns our address and SCTP port.
func (c *Conn) LocalAddr() net.Addr { return c.path.LocalAddr() }

// RemoteAddr returns the peer's address and SCTP port.
func (c *Conn) RemoteAddr() net.Addr { return c.path.RemoteAddr() }
