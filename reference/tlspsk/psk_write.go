// SPDX-License-Identifier: Apache-2.0

package tlspsk

/*
#include "shim.h"
*/
import "C"

import (
	"context"
	"net"
)

// maxPending bounds the output that readers may leave for a writer who is stuck
// in the transport: a peer that asks for one renegotiation after another and reads
// none of the alerts is not read any further.
const maxPending = 4 * maxRecord

// Write implements net.Conn. One record carries up to 16384 octets.
func (c *pskConn) Write(p []byte) (int, error) {
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	done := 0
	for done < len(p) {
		n, err := c.writeRecord(p[done:min(len(p), done+maxPlaintext)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, c.offer(false)
}

// writeRecord encrypts and sends one record.
func (c *pskConn) writeRecord(p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.writeError != nil {
		return 0, c.writeError
	}
	r, err := c.step(C.TP_WRITE, nil, p)
	if ferr := c.flush(); err == nil {
		err = ferr
	}
	if err == nil && r.n == 0 && !r.clogged {
		err = errNoProgress
	}
	if err != nil {
		return 0, err
	}
	return r.n, nil
}

// push sends all output and waits for it.
func (c *pskConn) push() error {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.flush()
}

// offer sends what readers left, unless a writer is busy and will do so itself.
func (c *pskConn) offer(wait bool) error {
	for {
		n := c.waiting()
		switch {
		case n == 0:
			return nil
		case wait || n > maxPending:
			c.wmu.Lock()
		case !c.wmu.TryLock():
			return nil
		}
		err := c.flush()
		c.wmu.Unlock()
		if err != nil {
			return err
		}
	}
}

// waiting returns the octets of output that nobody has sent.
func (c *pskConn) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending == nil {
		return 0
	}
	return len(*c.pending)
}

// flush sends the pending output in order; wmu is held. A failure stays, because
// a part of a record may have left.
func (c *pskConn) flush() error {
	if c.writeError != nil && c.writeError != ErrWriteClosed {
		return c.writeError
	}
	for {
		c.mu.Lock()
		out := c.pending
		c.pending = nil
		c.mu.Unlock()
		if out == nil {
			return nil
		}
		err := sendRecords(c.raw, *out, c.messages)
		c.recycle(out)
		if err != nil {
			c.writeError = err
			return err
		}
	}
}

// sendRecords writes whole TLS records: one a message where the transport
// preserves messages (RFC 3436), otherwise all at once.
func sendRecords(raw net.Conn, b []byte, messages bool) error {
	for len(b) > 0 {
		n := len(b)
		if messages {
			n = min(n, recordLen(b))
		}
		if _, err := raw.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// recordLen returns the length of the record that b starts with, header included.
func recordLen(b []byte) int {
	if len(b) < recordHeader {
		return len(b)
	}
	return recordHeader + int(b[3])<<8 + int(b[4])
}
