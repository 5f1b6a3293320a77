// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// openUDP opens a UDP socket at an address.
func openUDP(ctx context.Context, local netip.AddrPort, shared bool) (*net.UDPConn, error) {
	var l net.ListenConfig
	if shared {
		l.Control = func(_, _ string, raw syscall.RawConn) error {
			var set error
			err := raw.Control(func(fd uintptr) {
				set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			})
			return errors.Join(err, set)
		}
	}
	c, err := l.ListenPacket(ctx, "udp", local.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// openGroup opens a UDP socket at the address of a group. Package net would bind
// every address of the host instead, which others may have.
func openGroup(_ context.Context, group netip.AddrPort, shared bool) (*net.UDPConn, error) {
	var address unix.Sockaddr
	family := unix.AF_INET
	if group.Addr().Is6() {
		family = unix.AF_INET6
		address = &unix.SockaddrInet6{Port: int(group.Port()), Addr: group.Addr().As16()}
	} else {
		address = &unix.SockaddrInet4{Port: int(group.Port()), Addr: group.Addr().As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "udp")
	defer f.Close() // the connection has a copy
	if shared {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, address); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	c, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// join joins groups and sends to groups on the same interface.
func join(c *net.UDPConn, groups []netip.Addr, name string) error {
	var on *net.Interface
	if name != "" {
		var err error
		if on, err = net.InterfaceByName(name); err != nil {
			return err
		}
	}
	v4, v6 := ipv4.NewPacketConn(c), ipv6.NewPacketConn(c)
	for _, g := range groups {
		to := &net.UDPAddr{IP: g.AsSlice()}
		joinGroup, sendOn := v4.JoinGroup, v4.SetMulticastInterface
		if g.Is6() {
			joinGroup, sendOn = v6.JoinGroup, v6.SetMulticastInterface
		}
		if err := joinGroup(on, to); err != nil {
			return fmt.Errorf("join %v: %w", g, err)
		}
		if on == nil {
			continue
		}
		if err := sendOn(on); err != nil {
			return fmt.Errorf("send on %s: %w", name, err)
		}
	}
	return nil
}
