// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxNetworks is how many guests a namespace can have: the third octet of 10.132.N.0/24.
const maxNetworks = 254

// network is the addressing of one guest.
type network struct {
	n   byte
	tap string
}

func (n network) addr(last byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 132, n.n, last}) }

// host is this side's address.
func (n network) host() netip.Addr { return n.addr(1) }

// registrar is the address of registrar i, from 0.
func (n network) registrar(i int) netip.Addr { return n.addr(byte(2 + i)) }

// bindable are the addresses of this side beside host.
func (n network) bindable() netip.Prefix { return netip.PrefixFrom(n.addr(128), 25) }

// openTap makes the tap device of the first network that is free and gives it its addresses. The device lives as long
// as the file is open.
func openTap(ctx context.Context) (*os.File, network, error) {
	for i := 1; i <= maxNetworks; i++ {
		n := network{n: byte(i), tap: fmt.Sprintf("tap%d", i)}
		f, err := newTap(n.tap)
		if errors.Is(err, unix.EBUSY) { // another guest's
			continue
		}
		if err != nil {
			return nil, n, fmt.Errorf("guest: tap device: %w", err)
		}
		if err := n.setUp(ctx); err != nil {
			return nil, n, errors.Join(fmt.Errorf("guest: %w", err), f.Close())
		}
		return f, n, nil
	}
	return nil, network{}, fmt.Errorf("guest: all %d networks are in use", maxNetworks)
}

func newTap(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil // after the ioctl: the runtime's poller takes no tap without a device
}

// setUp gives the device its address, makes the bindable range local, as 127.0.0.0/8 is on loopback, and sends multicast
// there: registrars are announced from addresses that the device does not have.
func (n network) setUp(ctx context.Context) error {
	for _, argv := range [][]string{
		{"ip", "address", "add", netip.PrefixFrom(n.host(), 24).String(), "dev", n.tap},
		{"ip", "link", "set", n.tap, "addrgenmode", "none", "up"}, // no IPv6 chatter in captures
		{"ip", "route", "add", "local", n.bindable().String(), "dev", n.tap},
		// Guests side by side have a route each: a sender's address says which, and two of one metric exclude each other.
		{"ip", "route", "add", "224.0.0.0/4", "dev", n.tap, "metric", strconv.Itoa(1 + int(n.n))},
	} {
		if _, err := run(ctx, "", argv...); err != nil {
			return err
		}
	}
	return nil
}
