// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// pskConn is a connection of the PSK engine.
//
// Lock order: hmu, rmu, wmu, mu. mu guards the SSL object and is never held
// over I/O. Ciphertext is appended to pending under mu, in the order in which
// OpenSSL made it, and leaves in that order under wmu. A reader that caused
// output (an alert, an answer to a post-handshake message) does not wait for a writer that
// is stuck in the transport: that writer looks for it when it is done.
type pskConn struct {
	raw      net.Conn
	timeout  time.Duration
	messages bool
	early    bool // early data is allowed
	server   bool
	slots    limiter
	cleanup  runtime.Cleanup
	state    atomic.Pointer[State]
	closed   atomic.Bool

	hmu   sync.Mutex
	phase atomic.Int32
	herr  error // valid in phaseFailed

	rmu       sync.Mutex
	stage     stage
	in        []byte // ciphertext not yet taken by OpenSSL
	room      []byte // where it is read to
	more      bool   // OpenSSL may hold plaintext
	earlyIn   []byte // early data for the first Read
	earlyOut  []byte // early data for the first flight; guarded by hmu
	readError error  // sticky

	wmu        sync.Mutex
	writeError error // sticky

	mu      sync.Mutex
	c       *C.tp_conn // nil after Close
	held    held
	kept    *Sessions
	calls   *callbacks
	pending *[]byte
}

// phases of a connection, seen from outside.
const (
	phaseNew    int32 = iota
	phaseEarly        // a server may read early data and write; the client has not finished
	phaseOpen         // the handshake has finished
	phaseFailed       // herr says why
)

// stage is what the next inbound step has to be.
type stage int

const (
	stageShake    stage = iota // the handshake
	stageEarlyOut              // a client's early data, which starts the handshake
	stageEarlyIn               // a server's early data, with the first half of the handshake
	stageOpen                  // application data
)

// newPSKConn returns a connection that first takes what was read of raw already.
func newPSKConn(raw net.Conn, cfg *Config, e *engine, highest Version, seen []byte) (*pskConn, error) {
	cc, err := e.newConn(highest)
	if err != nil {
		return nil, err
	}
	c := &pskConn{
		raw: raw, timeout: cfg.timeout(), messages: cfg.Messages, early: cfg.AllowEarlyData,
		server: e.server, slots: handshakeSlots(), in: seen,
		c: cc, held: held{cc, e.live}, kept: e.kept, calls: cfg.callbacks(),
	}
	if c.early && c.server {
		c.stage = stageEarlyIn
	}
	c.state.Store(&State{})
	c.cleanup = runtime.AddCleanup(c, held.free, c.held) // for connections nobody closes
	return c, nil
}

// HandshakeContext implements Conn.
func (c *pskConn) HandshakeContext(ctx context.Context) error {
	if done, err := c.outcome(); done {
		return err
	}
	c.hmu.Lock()
	defer c.hmu.Unlock()
	if done, err := c.outcome(); done {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	c.rmu.Lock()
	defer c.rmu.Unlock()
	err := interruptible(ctx, c.raw, func() error { return c.handshake(ctx) })
	switch {
	case err != nil:
		c.herr = err
		c.phase.Store(phaseFailed)
	case c.stage == stageOpen:
		c.phase.Store(phaseOpen)
	default:
		c.phase.Store(phaseEarly)
	}
	return err
}

// outcome reports whether the handshake has ended and how.
func (c *pskConn) outcome() (bool, error) {
	switch c.phase.Load() {
	case phaseNew:
		return false, nil
	case phaseFailed:
		return true, c.herr
	}
	return true, nil
}

// State implements Conn.
func (c *pskConn) State() State { return *c.state.Load() }

// CloseNotify implements Conn.
func (c *pskConn) CloseNotify() error {
	if p := c.phase.Load(); p != phaseOpen && p != phaseEarly {
		return handshakeError(ErrHandshakePending)
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.writeError != nil {
		return c.writeError
	}
	if _, err := c.step(C.TP_SHUTDOWN, nil, nil); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.writeError = ErrWriteClosed
	return nil
}

// Close implements net.Conn.
func (c *pskConn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	if p := c.phase.Load(); p == phaseOpen || p == phaseEarly {
		// the deadline also frees a writer that holds wmu
		c.raw.SetWriteDeadline(time.Now().Add(closeNotifyTimeout))
		c.CloseNotify() // best effort: the transport may be gone
	}
	err := c.raw.Close() // wakes whoever reads
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil {
		if s := C.tp_conn_session(c.c); s != nil {
			c.kept.k.keep(s)
		}
	}
	c.cleanup.Stop()
	c.held.free()
	c.c, c.pending = nil, nil
	return err
}

// LocalAddr implements net.Conn.
func (c *pskConn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *pskConn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline implements net.Conn.
func (c *pskConn) SetDeadline(t time.Time) error { return c.raw.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *pskConn) SetReadDeadline(t time.Time) error { return c.raw.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *pskConn) SetWriteDeadline(t time.Time) error { return c.raw.SetWriteDeadline(t) }
