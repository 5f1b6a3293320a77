// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	lib "github.com/ishidawataru/sctp"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

const (
	// firstBuffer is the buffer until a longer message comes; RSerPool's are
	// shorter.
	firstBuffer = 2048
	// ancillaryRoom holds sctp_sndrcvinfo (32 octets) with its header.
	ancillaryRoom = 64
	// ppidOffset is where sctp_sndrcvinfo has the PPID, in network byte order.
	ppidOffset = 8
)

// received is what one recvmsg gave.
type received struct {
	octets       int
	notification bool
	whole        bool // the last part
	stream       uint16
	ppid         uint32
}

// receive reads once, waiting until there is something.
func (s socket) receive(b []byte) (received, error) {
	var r received
	var failed error
	err := s.raw.Read(func(fd uintptr) bool {
		var oob [ancillaryRoom]byte
		n, oobn, flags, _, err := unix.Recvmsg(int(fd), b, oob[:], 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			return false
		}
		if failed = err; err == nil {
			r = received{octets: n, notification: flags&lib.MSG_NOTIFICATION != 0, whole: flags&unix.MSG_EOR != 0}
			failed = r.ancillary(oob[:oobn])
		}
		return true
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return received{}, os.ErrDeadlineExceeded
	case err != nil:
		return received{}, sctp.ErrClosed
	}
	return r, failed
}

// ancillary finds stream and PPID.
func (r *received) ancillary(oob []byte) error {
	list, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("kernelsctp: %w", err)
	}
	for _, m := range list {
		if m.Header.Level == unix.IPPROTO_SCTP && m.Header.Type == lib.SCTP_CMSG_SNDRCV && len(m.Data) >= ppidOffset+4 {
			r.stream = binary.NativeEndian.Uint16(m.Data)
			r.ppid = binary.BigEndian.Uint32(m.Data[ppidOffset:])
		}
	}
	return nil
}

// ReadMessage returns the next message of any stream, or Err.
func (c *Conn) ReadMessage() (sctp.Message, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	for {
		if err := c.Err(); err != nil {
			return sctp.Message{}, err
		}
		m, err := c.next()
		if err != nil || m.Payload != nil {
			return m, err
		}
	}
}

// next reads once. It returns an empty message until it has a whole one.
func (c *Conn) next() (sctp.Message, error) {
	if c.have == len(c.buf) {
		c.buf = slices.Grow(c.buf, max(firstBuffer, len(c.buf)))
		c.buf = c.buf[:cap(c.buf)]
	}
	r, err := c.receive(c.buf[c.have:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return sctp.Message{}, err
	case err != nil:
		return sctp.Message{}, c.end(explain(err))
	case r.notification:
		c.note = append(c.note, c.buf[c.have:c.have+r.octets]...)
		if r.whole {
			return sctp.Message{}, c.notified()
		}
		return sctp.Message{}, nil
	case r.octets == 0: // there are no empty messages
		return sctp.Message{}, c.end(io.EOF)
	}
	c.have += r.octets
	if c.have > c.options.MaxMessage {
		return sctp.Message{}, c.fail(fmt.Errorf("%w: more than %d octets", sctp.ErrLength, c.options.MaxMessage))
	}
	if !r.whole {
		return sctp.Message{}, nil
	}
	payload := c.buf[:c.have:c.have]
	c.have = 0
	if c.options.SingleStream && r.stream != 0 {
		return sctp.Message{}, nil
	}
	if len(c.buf) > firstBuffer { // an idle association does not keep what a long message took
		c.buf = nil
	} else {
		payload = slices.Clone(payload)
	}
	return sctp.Message{Payload: payload, PPID: r.ppid, Stream: r.stream}, nil
}

// notified acts on a whole notification; the end of the association is an error.
func (c *Conn) notified() error {
	note := c.note
	c.note = nil
	if isPartialDelivery(note) {
		c.have = 0
		return nil
	}
	n, ok := parseChange(note)
	if !ok {
		return nil
	}
	switch n.state {
	case lib.SCTP_COMM_UP:
		if c.remote.IsValid() {
			return nil // a peeled-off one may hear it again
		}
		return c.established(n.id)
	case lib.SCTP_CANT_STR_ASSOC:
		return c.end(fmt.Errorf("%w: refused", sctp.ErrAborted))
	case lib.SCTP_COMM_LOST:
		return c.end(lost(n.info))
	case lib.SCTP_SHUTDOWN_COMP:
		return c.end(io.EOF)
	case lib.SCTP_RESTART: // whoever that is, it knows nothing of what was said before
		return c.fail(fmt.Errorf("%w: restarted", sctp.ErrAborted))
	}
	return nil
}

// fail aborts an association for a reason of our own.
func (c *Conn) fail(cause error) error {
	cause = c.end(cause)
	c.Abort(cause.Error())
	return cause
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

// explain turns an error of the kernel into one of package sctp.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.ETIMEDOUT), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
		return fmt.Errorf("%w: %w", sctp.ErrUnreachable, err)
	case errors.Is(err, unix.ECONNRESET), errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ECONNABORTED):
		return fmt.Errorf("%w: %w", sctp.ErrAborted, err)
	}
	return err
}
