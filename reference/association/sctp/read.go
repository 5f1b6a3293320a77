// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	pion "github.com/pion/sctp"
)

// firstBuffer is the buffer of a stream until a longer message comes; RSerPool's
// are shorter.
const firstBuffer = 2048

// collect reads the streams of the association until it has ended.
func (c *Conn) collect() {
	for {
		s, err := c.engine.AcceptStream()
		if err != nil {
			break
		}
		c.mu.Lock()
		c.adopt(s)
		c.mu.Unlock()
	}
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.readers.Wait()
	c.finish()
}

// adopt reads a stream unless that is being done: one that we opened may come
// from AcceptStream as well. The caller holds c.mu.
func (c *Conn) adopt(s *pion.Stream) {
	id := s.StreamIdentifier()
	if c.closing || c.streams[id] == s {
		return
	}
	c.streams[id] = s
	_ = s.SetWriteDeadline(c.writeEnd)
	c.readers.Go(func() { c.read(s) })
}

// read passes the messages of a stream on until it ends.
func (c *Conn) read(s *pion.Stream) {
	id := s.StreamIdentifier()
	if id >= maxStreams {
		c.fail(fmt.Errorf("%w: %d of %d", ErrStream, id, maxStreams))
		return
	}
	buf := make([]byte, min(firstBuffer, c.options.MaxMessage))
	for {
		n, ppid, err := s.ReadSCTP(buf)
		switch {
		case errors.Is(err, io.ErrShortBuffer) && len(buf) < c.options.MaxMessage:
			buf = make([]byte, min(2*len(buf), c.options.MaxMessage)) // the engine kept the message
			continue
		case errors.Is(err, io.ErrShortBuffer):
			c.fail(fmt.Errorf("%w: more than %d octets", ErrLength, c.options.MaxMessage))
			return
		case err != nil:
			c.streamEnded(id, err)
			return
		case c.options.SingleStream && id != 0:
			continue
		}
		select {
		case c.in <- Message{Payload: slices.Clone(buf[:n]), PPID: uint32(ppid), Stream: id}:
		case <-c.stop: // go on, so that the window stays open
		case <-c.path.endpoint.done:
		}
	}
}

// streamEnded notes what the engine says at the end of a stream. A peer that
// resets stream 0 (RFC 6525) has nothing more to say, so we close.
func (c *Conn) streamEnded(id uint16, err error) {
	switch {
	case errors.Is(err, pion.ErrChunk):
		c.mu.Lock()
		c.words = err
		c.mu.Unlock()
	case errors.Is(err, io.EOF) && id == 0:
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		_ = c.Shutdown(ctx)
	}
}

// ReadMessage returns the next message of any stream, or Err.
func (c *Conn) ReadMessage() (Message, error) {
	select {
	case m := <-c.in:
		return m, nil
	case <-c.ended:
		return Message{}, c.cause
	case <-c.readEnd.Done():
		return Message{}, os.ErrDeadlineExceeded
	}
}

// Read returns one message, or the rest of the one before.
func (c *Conn) Read(b []byte) (int, error) {
	c.restMu.Lock()
	defer c.restMu.Unlock()
	if len(c.rest) == 0 {
		m, err := c.ReadMessage()
		if err != nil {
			return 0, err
		}
		c.rest = m.Payload
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// SetReadDeadline sets the deadline of Read and ReadMessage; passing it loses
// nothing.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readEnd.Set(t)
	return nil
}
