// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	pion "github.com/pion/sctp"
)

// WriteMessage sends one message; it waits until the engine has room. When the
// write deadline passes before that, nothing was sent.
func (c *Conn) WriteMessage(m Message) error {
	// The engine takes an empty message, sends nothing, and counts it: whatever
	// follows on the stream would never be delivered.
	if len(m.Payload) == 0 || len(m.Payload) > MaxMessage {
		return fmt.Errorf("%w: %d", ErrLength, len(m.Payload))
	}
	s, err := c.stream(m.Stream)
	if err != nil {
		return err
	}
	_, err = s.WriteSCTP(m.Payload, pion.PayloadProtocolIdentifier(m.PPID))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return fmt.Errorf("sctp: write: %w: %w", ErrClosed, err)
}

// stream returns a stream to write to. The engine does not look whether the
// peer takes it, and on one we do not take there could be no answer.
func (c *Conn) stream(id uint16) (*pion.Stream, error) {
	c.path.mu.Lock()
	limit := min(c.path.streams, maxStreams)
	c.path.mu.Unlock()
	if id >= limit {
		return nil, fmt.Errorf("%w: %d of %d", ErrStream, id, limit)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.engine.OpenStream(id, 0)
	if err != nil {
		return nil, fmt.Errorf("sctp: write: %w: %w", ErrClosed, err)
	}
	c.adopt(s)
	return s, nil
}

// Write sends b as one message on stream 0.
func (c *Conn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := c.WriteMessage(Message{Payload: b, PPID: c.options.PPID}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetWriteDeadline sets the deadline of Write and WriteMessage, those under way
// included.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeEnd = t
	for _, s := range c.streams {
		_ = s.SetWriteDeadline(t)
	}
	return nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}
