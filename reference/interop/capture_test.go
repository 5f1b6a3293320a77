//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// enrpMessage is a message as it was on the wire, and the host that sent it.
type enrpMessage struct {
	from    netip.Addr
	payload []byte
}

// capture keeps the ENRP messages that cross the guest's network, from either side.
type capture struct {
	mu       sync.Mutex
	messages []enrpMessage
	seen     map[[12]byte]bool // verification tag, TSN and ports: a retransmission counts once
}

// capture begins to listen.
func (b *bed) capture() *capture {
	b.Helper()
	device, err := net.InterfaceByName(vm.Interface())
	if err != nil {
		b.Fatal(err)
	}
	all := int(binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL}))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, all)
	if err != nil {
		b.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: uint16(all), Ifindex: device.Index}); err != nil {
		b.Fatal(errors.Join(err, unix.Close(fd)))
	}
	f := os.NewFile(uintptr(fd), "capture")
	c := &capture{seen: make(map[[12]byte]bool)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p := make([]byte, 1<<16)
		for {
			n, err := f.Read(p)
			if err != nil {
				return // closed
			}
			c.packet(p[:n])
		}
	}()
	b.Cleanup(func() {
		if err := f.Close(); err != nil {
			b.Error(err)
		}
		<-done
	})
	return c
}

// packet takes the ENRP messages out of an IPv4 packet. None of them is so long that it comes in pieces.
func (c *capture) packet(p []byte) {
	const ipHeader, sctpHeader, dataHeader = 20, 12, 16
	if len(p) < ipHeader+sctpHeader || p[0]>>4 != 4 || p[9] != 132 {
		return
	}
	from := netip.AddrFrom4([4]byte(p[12:16]))
	p = p[int(p[0]&15)*4:]
	var key [12]byte
	copy(key[:], p[:8])
	for b := p[sctpHeader:]; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			return
		}
		if b[0] == 0 && n > dataHeader && binary.BigEndian.Uint32(b[12:]) == wire.PPIDENRP {
			copy(key[8:], b[4:8])
			c.mu.Lock()
			if !c.seen[key] {
				c.seen[key] = true
				c.messages = append(c.messages, enrpMessage{from, slices.Clone(b[dataHeader:n])})
			}
			c.mu.Unlock()
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

// of lists the messages of a type from a host, in their order.
func (c *capture) of(from netip.Addr, typ uint8) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list [][]byte
	for _, m := range c.messages {
		if m.from == from && m.payload[0] == typ {
			list = append(list, m.payload)
		}
	}
	return list
}

// checksum is the PE checksum in the last ENRP_PRESENCE of a host: behind header, both server IDs and the header of the
// parameter (RFC 5353 section 2.1, RFC 5354 section 3.15).
func (c *capture) checksum(from netip.Addr) (sum uint16, ok bool) {
	list := c.of(from, wire.TypePresence)
	if len(list) == 0 {
		return 0, false
	}
	m := list[len(list)-1]
	if len(m) < 20 || binary.BigEndian.Uint16(m[12:]) != uint16(wire.ParameterPEChecksum) {
		return 0, false
	}
	return binary.BigEndian.Uint16(m[16:]), true
}
