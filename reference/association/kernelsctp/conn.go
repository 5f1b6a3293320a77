// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	lib "github.com/ishidawataru/sctp"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// closeTimeout is how long Close tries to end gracefully.
const closeTimeout = 2 * time.Second

// Conn is an association. As a net.Conn it is stream 0 and preserves messages:
// each Write is one, each Read returns one, or the rest of one when b was too
// short. Shutdown, Abort or Close must be called, and Close or Abort in the end.
// Reads must go on after Shutdown: the last one says when the peer has done its
// part, and the peer's last messages may fill the window.
type Conn struct {
	socket
	options       sctp.Options
	id            int32
	local, remote netip.AddrPort
	peers         []netip.Addr
	close         sync.Once

	mu    sync.Mutex
	cause error // why the association has ended

	readMu sync.Mutex
	buf    []byte // holds a part of a message until the rest is here
	have   int
	note   []byte // the same of a notification

	restMu sync.Mutex
	rest   []byte // of a message, for Read
}

// newConn takes over a socket whose association id will be known later.
func newConn(s socket, o sctp.Options) *Conn {
	if o.MaxMessage <= 0 || o.MaxMessage > sctp.MaxMessage {
		o.MaxMessage = sctp.MaxMessage
	}
	return &Conn{socket: s, options: o}
}

// established asks for the addresses of an association that has come up.
func (c *Conn) established(id int32) error {
	c.id = id
	return c.control(func(fd int) error {
		remote, err := addresses(fd, id, lib.SCTP_GET_PEER_ADDRS)
		if err != nil {
			return err
		}
		local, err := addresses(fd, id, lib.SCTP_GET_LOCAL_ADDRS)
		if err != nil {
			return err
		}
		c.remote, c.local = remote[0], local[0]
		if len(local) > 1 { // the one that the peer saw, if it is among them
			source := netip.AddrPortFrom(sctp.SourceFor(c.remote.Addr(), c.local.Addr()), c.local.Port())
			if slices.Contains(local, source) {
				c.local = source
			}
		}
		for _, a := range remote {
			c.peers = append(c.peers, a.Addr())
		}
		return nil
	})
}

// end notes why the association has ended and returns what was noted first.
func (c *Conn) end(cause error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		c.cause = cause
	}
	return c.cause
}

// Err says why the association ended: io.EOF after a SHUTDOWN, ErrAborted,
// ErrUnreachable, ErrLength, or ErrClosed. It is nil before that.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// PeerAddrs returns the addresses of the peer when the association came up.
func (c *Conn) PeerAddrs() []netip.Addr { return slices.Clone(c.peers) }

// LocalAddr returns our address and port.
func (c *Conn) LocalAddr() net.Addr { return sctp.Addr{AddrPort: c.local} }

// RemoteAddr returns the peer's address and port.
func (c *Conn) RemoteAddr() net.Addr { return sctp.Addr{AddrPort: c.remote} }

// Shutdown asks the kernel to deliver what was written and to end the association
// then. It does not wait; reading says when that is done and whether it was.
func (c *Conn) Shutdown(context.Context) error {
	if c.Err() != nil {
		return nil
	}
	err := c.control(func(fd int) error { return sendFlag(fd, c.id, flagEOF, nil) })
	if err != nil && !isEnded(err) { // one that has ended says why to its reader
		return fmt.Errorf("sctp: shutdown: %w", err)
	}
	return nil
}

// Abort sends an ABORT with the reason, at most maxReason octets of it, and frees
// everything.
func (c *Conn) Abort(reason string) {
	_ = c.end(sctp.ErrClosed)
	c.close.Do(func() {
		_ = c.control(func(fd int) error {
			return sendFlag(fd, c.id, lib.SCTP_ABORT, []byte(reason)[:min(len(reason), maxReason)])
		})
		_ = c.abortOnClose() // when nothing could be sent, and while there is no association yet
		_ = c.file.Close()
	})
}

// Close discards what arrives, and ends the association gracefully if that is
// soon done, otherwise by ABORT.
func (c *Conn) Close() error {
	if c.Err() == nil && c.Shutdown(context.Background()) == nil {
		_ = c.SetReadDeadline(time.Now().Add(closeTimeout))
		for {
			if _, err := c.ReadMessage(); err != nil {
				break
			}
		}
	}
	if c.Err() == nil {
		c.Abort("shutdown not completed")
		return nil
	}
	c.close.Do(func() { _ = c.file.Close() })
	return nil
}

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.file.SetDeadline(t) }

// SetReadDeadline sets the deadline of Read and ReadMessage; passing it loses
// nothing.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.file.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of Write and WriteMessage, those under way
// included.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.file.SetWriteDeadline(t) }

// SyscallConn gives access to the socket, for what this package has no method for.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw, nil }
