// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	lib "github.com/ishidawataru/sctp"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// ErrUnsupported: the kernel has no SCTP.
var ErrUnsupported = errors.New("this kernel has no SCTP (Linux: modprobe sctp)")

// Available returns nil when the kernel has SCTP, else ErrUnsupported or why it
// could not be tried.
func Available() error {
	fd, err := open(netip.IPv4Unspecified())
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// open makes a non-blocking one-to-many socket for addresses like local.
func open(local netip.Addr) (int, error) {
	family := unix.AF_INET
	if local.Is6() && !local.Is4In6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_SCTP)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.ESOCKTNOSUPPORT):
		return -1, fmt.Errorf("%w: socket: %w", ErrUnsupported, err)
	case err != nil:
		return -1, fmt.Errorf("kernelsctp: socket: %w", err)
	}
	return fd, nil
}

// socket is a descriptor of ours under Go's poller. It is closed by Close of the
// file only, so that nobody uses a descriptor that is someone else's by then.
type socket struct {
	file *os.File
	raw  syscall.RawConn
}

// newSocket takes over a non-blocking descriptor.
func newSocket(fd int) (socket, error) {
	f := os.NewFile(uintptr(fd), "sctp")
	raw, err := f.SyscallConn()
	if err != nil {
		return socket{}, errors.Join(err, f.Close())
	}
	return socket{file: f, raw: raw}, nil
}

// control calls f with the descriptor, beside reads and writes that wait.
func (s socket) control(f func(fd int) error) error {
	var failed error
	if err := s.raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return sctp.ErrClosed // the only way for Control to fail
	}
	return failed
}

// abortOnClose makes Close abort what is left instead of ending it gracefully.
func (s socket) abortOnClose() error {
	return s.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}

// setOption sets an option of SCTP to a structure without padding.
func setOption(fd, option int, value any) error {
	b, err := binary.Append(nil, binary.NativeEndian, value)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptString(fd, lib.SOL_SCTP, option, string(b)); err != nil {
		return fmt.Errorf("kernelsctp: option %d: %w", option, err)
	}
	return nil
}

// option reads an option into b, which holds what the kernel wants to know first,
// and returns what the kernel has written.
func option(fd, name int, b []byte) ([]byte, error) {
	n := uint32(len(b))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), lib.SOL_SCTP, uintptr(name),
		uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("kernelsctp: option %d: %w", name, errno)
	}
	return b[:min(int(n), len(b))], nil
}

// sockaddr returns an address for package unix. Zones are for link-local
// addresses, which nothing here is bound to.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	addr := a.Addr().Unmap()
	if addr.Is6() {
		return &unix.SockaddrInet6{Port: int(a.Port()), Addr: addr.As16()}
	}
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: addr.As4()}
}

// addressRoom holds more addresses than an INIT can name in a packet.
const addressRoom = 4096

// addresses returns the addresses of an association: the peer's for
// SCTP_GET_PEER_ADDRS, ours for SCTP_GET_LOCAL_ADDRS. All have the same port.
func addresses(fd int, id int32, which int) ([]netip.AddrPort, error) {
	const head = 8 // association, number of addresses
	b := make([]byte, head+addressRoom)
	binary.NativeEndian.PutUint32(b, uint32(id))
	if _, err := option(fd, which, b); err != nil {
		return nil, err
	}
	var list []netip.AddrPort
	count, rest := binary.NativeEndian.Uint32(b[4:]), b[head:]
	for range count {
		if len(rest) < unix.SizeofSockaddrInet6 {
			break
		}
		port := binary.BigEndian.Uint16(rest[2:])
		switch family := binary.NativeEndian.Uint16(rest); family {
		case unix.AF_INET:
			list = append(list, netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest[4:8])), port))
			rest = rest[unix.SizeofSockaddrInet4:]
		case unix.AF_INET6:
			list = append(list, netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest[8:24])).Unmap(), port))
			rest = rest[unix.SizeofSockaddrInet6:]
		default:
			return nil, fmt.Errorf("kernelsctp: address of family %d", family)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("kernelsctp: association %d has no addresses: %w", id, sctp.ErrClosed)
	}
	return list, nil
}
