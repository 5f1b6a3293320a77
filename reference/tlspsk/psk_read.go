// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"errors"
	"io"
)

// streamRead is the room for one read of a byte stream; it is what an idle
// connection keeps, so it stays well below a full record.
const streamRead = 8 << 10

// handshake runs until the connection is open, or a server has early data; rmu is held.
func (c *pskConn) handshake(ctx context.Context) error {
	var early []byte
	if c.stage == stageEarlyIn {
		early = make([]byte, MaxEarlyData)
	}
	if len(c.earlyOut) > 0 {
		c.stage = stageEarlyOut
		defer func() { c.earlyOut = nil }()
	}
	var sendError error
	for {
		r, err := c.advance(ctx, early)
		if err != nil {
			c.push() // the alert too
			return noEOF(err)
		}
		c.earlyIn = append(c.earlyIn, early[:min(r.n, len(early))]...)
		if sendError == nil {
			sendError = c.push()
		}
		switch {
		case c.stage == stageOpen:
			return sendError
		case r.starved && len(c.earlyIn) > 0:
			return c.authenticated()
		case !r.starved:
			continue
		}
		if err := c.fill(); err != nil {
			if sendError != nil { // there might have been an alert to tell why
				err = sendError
			}
			return handshakeError(noEOF(err))
		}
	}
}

// advance runs one inbound step; rmu is held. Early and application data go to buf.
func (c *pskConn) advance(ctx context.Context, buf []byte) (result, error) {
	if c.stage == stageOpen {
		r, err := c.step(C.TP_READ, c.in, buf)
		c.consumed(r)
		return r, err
	}
	if err := c.slots.acquire(ctx); err != nil {
		return result{}, err
	}
	defer c.slots.release()
	var r result
	var err error
	switch c.stage {
	case stageEarlyOut:
		r, err = c.step(C.TP_EARLY_WRITE, c.in, c.earlyOut)
		r.n = 0
		if r.finished {
			c.stage = stageShake
		}
	case stageEarlyIn:
		r, err = c.step(C.TP_EARLY_READ, c.in, buf)
		if r.earlyDone {
			c.stage = stageShake
		}
	default:
		r, err = c.step(C.TP_HANDSHAKE, c.in, nil)
		if r.finished && err == nil {
			c.stage = stageOpen
			err = c.authenticated()
		}
	}
	c.consumed(r)
	if c.stage == stageOpen {
		c.more = true // data may have come with the last flight
	}
	return r, err
}

// consumed drops the ciphertext that a step has used.
func (c *pskConn) consumed(r result) {
	c.in = c.in[r.taken:]
	c.more = r.pending
}

// fill reads ciphertext once; all that was read before has been used.
func (c *pskConn) fill() error {
	if c.room == nil {
		size := streamRead
		if c.messages {
			size = maxRecord // a shorter read would cut a message
		}
		c.room = make([]byte, size)
	}
	n, err := c.raw.Read(c.room)
	c.in = c.room[:n]
	if n > 0 {
		return nil
	}
	return err
}

// Read implements net.Conn.
func (c *pskConn) Read(p []byte) (int, error) {
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	c.rmu.Lock()
	defer c.rmu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.earlyIn) > 0 {
		n := copy(p, c.earlyIn)
		c.earlyIn = c.earlyIn[n:]
		return n, nil
	}
	for c.readError == nil {
		for c.readError == nil && (c.more || len(c.in) > 0) {
			if n := c.readStep(p); n > 0 {
				return n, nil
			}
		}
		if c.readError != nil {
			break
		}
		if err := c.fill(); err != nil {
			if !errors.Is(err, io.EOF) {
				return 0, err // a deadline may be moved
			}
			c.readError = io.ErrUnexpectedEOF // no close_notify: cut off
		}
	}
	return 0, c.readError
}

// readStep returns how much plaintext it got and notes an error for afterwards.
func (c *pskConn) readStep(p []byte) int {
	before := c.stage
	r, err := c.advance(context.Background(), p)
	if err != nil {
		c.readError = err
	}
	if before != stageOpen && c.stage == stageOpen {
		c.phase.CompareAndSwap(phaseEarly, phaseOpen)
	}
	if err := c.offer(r.clogged); err != nil && c.readError == nil {
		c.readError = err
	}
	return r.n
}

// noEOF turns the end of the transport into what it is during a handshake.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
