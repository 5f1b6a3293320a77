// SPDX-License-Identifier: Apache-2.0

package association

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// codec turns what the transport or TLS delivers into messages. One goroutine
// reads, one at a time writes.
type codec interface {
	read() (Message, error)
	// write reports whether anything may have been sent when it failed.
	write(m Message) (sent bool, err error)
}

// streamCodec finds messages in a byte stream by the Message Length of the
// common header (RFC 5354 section 3).
type streamCodec struct {
	conn   net.Conn
	r      *bufio.Reader
	ppid   uint32
	limits Limits
	secure bool // half a record may be under way when a write fails
}

func newStreamCodec(c net.Conn, ppid uint32, l Limits, secure bool) *streamCodec {
	return &streamCodec{conn: c, r: bufio.NewReader(c), ppid: ppid, limits: l, secure: secure}
}

// read waits for a message without limit, and for its rest for FrameTimeout.
func (s *streamCodec) read() (Message, error) {
	if _, err := s.r.Peek(1); err != nil {
		return Message{}, err
	}
	timed := false
	arm := func(octets int) error {
		if timed || s.r.Buffered() >= octets {
			return nil
		}
		timed = true
		return s.conn.SetReadDeadline(time.Now().Add(s.limits.FrameTimeout))
	}
	if err := arm(wire.HeaderLength); err != nil {
		return Message{}, err
	}
	head, err := s.r.Peek(wire.HeaderLength)
	if err != nil {
		return Message{}, s.cut(err, len(head), wire.HeaderLength)
	}
	n, err := wire.FrameLength([wire.HeaderLength]byte(head))
	if err != nil || n > s.limits.MaxMessage {
		return Message{}, fmt.Errorf("%w: %d, limit %d", ErrLength, binary.BigEndian.Uint16(head[2:]), s.limits.MaxMessage)
	}
	if err := arm(n); err != nil {
		return Message{}, err
	}
	payload := make([]byte, n)
	if got, err := io.ReadFull(s.r, payload); err != nil {
		return Message{}, s.cut(err, got, n)
	}
	if timed {
		if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
			return Message{}, err
		}
	}
	return Message{Payload: payload, PPID: s.ppid}, nil
}

// cut says what is wrong with a message that ended early.
func (s *streamCodec) cut(err error, got, want int) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %d of %d octets after %v", ErrStalled, got, want, s.limits.FrameTimeout)
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("after %d of %d octets: %w", got, want, err)
}

// write sends a message with its padding. What does not say its own length is
// sent as it is.
func (s *streamCodec) write(m Message) (bool, error) {
	b := m.Payload
	if m.Stream != 0 {
		return false, fmt.Errorf("%w: %d in a byte stream", ErrStream, m.Stream)
	}
	if len(b)%4 != 0 && len(b) >= wire.HeaderLength && int(binary.BigEndian.Uint16(b[2:])) == len(b) {
		b = append(b[:len(b):len(b)], make([]byte, 4-len(b)%4)...)
	}
	n, err := s.conn.Write(b)
	return n > 0 || s.secure, err
}

// messageCodec passes user messages of SCTP on.
type messageCodec struct {
	conn MessageConn
	ppid uint32
}

func (c messageCodec) read() (Message, error) { return c.conn.ReadMessage() }

func (c messageCodec) write(m Message) (bool, error) {
	if m.PPID == 0 {
		m.PPID = c.ppid
	}
	return false, c.conn.WriteMessage(m)
}

// plainMessages is a MessageConn made of a net.Conn that preserves messages.
type plainMessages struct {
	net.Conn
	ppid uint32
	buf  []byte
}

func (p *plainMessages) ReadMessage() (Message, error) {
	n, err := p.Read(p.buf)
	if err != nil {
		return Message{}, err
	}
	if n == len(p.buf) {
		return Message{}, fmt.Errorf("%w: more than %d", ErrLength, n-1)
	}
	return Message{Payload: append([]byte(nil), p.buf[:n]...), PPID: p.ppid}, nil
}

func (p *plainMessages) WriteMessage(m Message) error {
	if m.Stream != 0 {
		return fmt.Errorf("%w: %d through Wrap", ErrStream, m.Stream)
	}
	_, err := p.Write(m.Payload)
	return err
}

// messages returns c as a MessageConn.
func messages(c net.Conn, ppid uint32, limit int) MessageConn {
	if m, ok := c.(MessageConn); ok {
		return m
	}
	return &plainMessages{Conn: c, ppid: ppid, buf: make([]byte, limit+1)}
}
