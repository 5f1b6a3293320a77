// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// Dial sets up an association from local, or from wherever the kernel likes when
// that is the zero AddrPort, until ctx ends. A local address that is not given
// tells the peer all addresses of this host. Errors are ErrUnsupported,
// ErrAborted when the peer refused, or those of ctx and the kernel.
func Dial(ctx context.Context, local, remote netip.AddrPort, o sctp.Options) (*Conn, error) {
	c, err := dial(ctx, local, remote, o)
	if err != nil {
		return nil, fmt.Errorf("sctp: dial %v: %w", remote, err)
	}
	return c, nil
}

func dial(ctx context.Context, local, remote netip.AddrPort, o sctp.Options) (*Conn, error) {
	if !local.Addr().IsValid() {
		every := netip.IPv4Unspecified()
		if remote.Addr().Unmap().Is6() {
			every = netip.IPv6Unspecified()
		}
		local = netip.AddrPortFrom(every, local.Port())
	}
	s, err := bound(local, o, true)
	if err != nil {
		return nil, err
	}
	c := newConn(s, o)
	err = s.control(func(fd int) error { return unix.Connect(fd, sockaddr(remote)) })
	if err == nil || err == unix.EINPROGRESS {
		err = c.comeUp(ctx)
	}
	if err != nil {
		c.Abort("setup given up")
		return nil, explain(err)
	}
	return c, nil
}

// comeUp waits until the association is up. Messages may follow at once, so it
// reads no further than it must.
func (c *Conn) comeUp(ctx context.Context) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	var err error
	for err == nil && !c.remote.IsValid() {
		_, err = c.next()
	}
	if !stop() {
		<-interrupted
		_ = c.SetReadDeadline(time.Time{})
		if err != nil {
			return ctx.Err()
		}
	}
	return err
}

// bound opens a socket with an address and the options of associations. With beside its port may be one that is listened
// on.
func bound(local netip.AddrPort, o sctp.Options, beside bool) (socket, error) {
	fd, err := open(local.Addr())
	if err != nil {
		return socket{}, err
	}
	s, err := newSocket(fd)
	if err != nil {
		return socket{}, err
	}
	err = s.control(func(fd int) error {
		if err := configure(fd, o); err != nil {
			return err
		}
		// A port is free as soon as nobody listens on it, although associations
		// that were accepted there go on.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if beside {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
				return err
			}
		}
		return unix.Bind(fd, sockaddr(local))
	})
	if err != nil {
		_ = s.file.Close()
		return socket{}, fmt.Errorf("bind %v: %w", local, err)
	}
	return s, nil
}
