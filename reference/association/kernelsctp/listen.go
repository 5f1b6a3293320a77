// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	lib "github.com/ishidawataru/sctp"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// peelOffFlags is SCTP_SOCKOPT_PEELOFF_FLAGS (Linux 4.11).
const peelOffFlags = 122

// Listener takes associations. One goroutine may call Accept.
type Listener struct {
	socket
	options sctp.Options
	addr    netip.AddrPort
	buf     [firstBuffer]byte
}

// Listen begins to take associations; port 0 takes a free one.
func Listen(local netip.AddrPort, o sctp.Options) (*Listener, error) {
	s, err := bound(local, o, false)
	if err != nil {
		return nil, err
	}
	l := &Listener{socket: s, options: o}
	err = s.control(func(fd int) error {
		if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		// From now on whoever dials may do so from this port, but nobody else can listen on it:
		// that would have needed the option before the address was bound.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
			return err
		}
		own, err := unix.Getsockname(fd)
		if err != nil {
			return err
		}
		switch own := own.(type) {
		case *unix.SockaddrInet4:
			l.addr = netip.AddrPortFrom(netip.AddrFrom4(own.Addr), uint16(own.Port))
		case *unix.SockaddrInet6:
			l.addr = netip.AddrPortFrom(netip.AddrFrom16(own.Addr), uint16(own.Port))
		}
		return nil
	})
	if err != nil {
		_ = s.file.Close()
		return nil, err
	}
	return l, nil
}

// Addr returns the address and port.
func (l *Listener) Addr() netip.AddrPort { return l.addr }

// Accept returns the next association. The kernel has set it up before; whoever
// does not want it aborts it. After ErrClosed no more will come. After another
// error, a lack of descriptors, that one association was aborted.
func (l *Listener) Accept() (*Conn, error) {
	for {
		r, err := l.receive(l.buf[:])
		if err != nil {
			return nil, fmt.Errorf("sctp: accept: %w", err)
		}
		n, ok := parseChange(l.buf[:r.octets])
		if !r.notification || !ok || n.state != lib.SCTP_COMM_UP {
			continue // of one that was aborted here
		}
		c, err := l.peelOff(n.id)
		if err == nil {
			return c, nil
		}
		gone := l.control(func(fd int) error { return sendFlag(fd, n.id, lib.SCTP_ABORT, []byte("no resources")) })
		if gone == nil {
			return nil, fmt.Errorf("sctp: accept: %w", err)
		}
	}
}

// peelOff gives an association a socket of its own. What has arrived for it goes
// with it, and nothing was read before, as the notification comes first.
func (l *Listener) peelOff(id int32) (*Conn, error) {
	arg := make([]byte, 12) // association, descriptor, flags
	binary.NativeEndian.PutUint32(arg, uint32(id))
	binary.NativeEndian.PutUint32(arg[8:], unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	err := l.control(func(fd int) error {
		_, err := option(fd, peelOffFlags, arg)
		return err
	})
	if err != nil {
		return nil, err
	}
	s, err := newSocket(int(binary.NativeEndian.Uint32(arg[4:])))
	if err != nil {
		return nil, err
	}
	c := newConn(s, l.options)
	if err := c.established(id); err != nil {
		c.Abort("no addresses")
		return nil, err
	}
	return c, nil
}

// Close stops listening and aborts what Accept did not return. Associations that
// it returned go on.
func (l *Listener) Close() error {
	_ = l.abortOnClose()
	return l.file.Close()
}
