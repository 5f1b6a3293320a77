// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// socketBuffer holds the bursts of some hundred associations; the kernel's usual
// 200 kB loses packets, and a lost INIT costs a second.
const socketBuffer = 4 << 20

// Link carries packets of SCTP. Addresses have port 0 unless packets are
// encapsulated in UDP.
type Link interface {
	// ReadPacket reads one packet; net.ErrClosed ends the endpoint, other errors
	// do not.
	ReadPacket(buf []byte) (n int, from netip.AddrPort, err error)
	// WritePacket sends one packet; it may be called from several goroutines.
	WritePacket(p []byte, to netip.AddrPort) error
	// Local is the bound address; it may be unspecified.
	Local() netip.AddrPort
	Close() error
}

// rawLink is a raw socket of IP protocol 132.
type rawLink struct{ c *net.IPConn }

// ListenIP opens a raw socket on an address.
func ListenIP(local netip.Addr) (Link, error) {
	network := "ip4:132"
	if local.Is6() {
		network = "ip6:132"
	}
	c, err := net.ListenIP(network, &net.IPAddr{IP: local.AsSlice(), Zone: local.Zone()})
	if err != nil {
		return nil, err
	}
	enlarge(c)
	return rawLink{c}, nil
}

// ReadPacket uses ReadFromIP, which strips the IPv4 header; Read does not.
func (l rawLink) ReadPacket(buf []byte) (int, netip.AddrPort, error) {
	n, from, err := l.c.ReadFromIP(buf)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	return n, netip.AddrPortFrom(addrOf(from), 0), nil
}

func (l rawLink) WritePacket(p []byte, to netip.AddrPort) error {
	_, err := l.c.WriteToIP(p, &net.IPAddr{IP: to.Addr().AsSlice(), Zone: to.Addr().Zone()})
	return err
}

func (l rawLink) Local() netip.AddrPort {
	return netip.AddrPortFrom(addrOf(l.c.LocalAddr().(*net.IPAddr)), 0)
}

func (l rawLink) Close() error { return l.c.Close() }

// addrOf converts an address of package net.
func addrOf(a *net.IPAddr) netip.Addr {
	ip, _ := netip.AddrFromSlice(a.IP)
	return ip.Unmap().WithZone(a.Zone)
}

// udpLink is a UDP socket (RFC 6951).
type udpLink struct{ c *net.UDPConn }

// ListenUDP opens a UDP socket; port 0 takes a free one.
func ListenUDP(local netip.AddrPort) (Link, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		return nil, err
	}
	enlarge(c)
	return udpLink{c}, nil
}

func (l udpLink) ReadPacket(buf []byte) (int, netip.AddrPort, error) {
	n, from, err := l.c.ReadFromUDPAddrPort(buf)
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

func (l udpLink) WritePacket(p []byte, to netip.AddrPort) error {
	_, err := l.c.WriteToUDPAddrPort(p, to)
	return err
}

func (l udpLink) Local() netip.AddrPort {
	a := l.c.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (l udpLink) Close() error { return l.c.Close() }

// socket is what *net.IPConn and *net.UDPConn have in common.
type socket interface {
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
	SyscallConn() (syscall.RawConn, error)
}

// enlarge asks for large buffers, beyond the system's limit where the process
// may. A smaller buffer only loses packets, so there is no error to report.
func enlarge(s socket) {
	raw, err := s.SyscallConn()
	forced := false
	if err == nil {
		_ = raw.Control(func(fd uintptr) {
			in := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
			out := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
			forced = in == nil && out == nil
		})
	}
	if !forced {
		_ = s.SetReadBuffer(socketBuffer)
		_ = s.SetWriteBuffer(socketBuffer)
	}
}
