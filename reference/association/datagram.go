// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"net/netip"
)

// DatagramConfig describes a Datagram socket.
type DatagramConfig struct {
	// Local is the address to bind. Port 0 takes a free one.
	Local netip.AddrPort
	// Groups are multicast groups to join, on Interface or where the kernel
	// chooses: 224.0.1.185 for ASAP announcements (RFC 5352 section 3.2).
	Groups    []netip.Addr
	Interface string
	// Shared lets several sockets bind the same address, as receivers of a group do.
	Shared bool
	Tap    Tap
}

// Datagram sends and receives UDP datagrams, one message each. All methods may
// be called from any goroutine.
type Datagram struct{}

// ListenDatagram opens a socket.
func ListenDatagram(ctx context.Context, c DatagramConfig) (*Datagram, error) {
	return nil, ErrTransport
}

// Local returns the bound address.
func (d *Datagram) Local() netip.AddrPort { return netip.AddrPort{} }

// Send sends one datagram.
func (d *Datagram) Send(ctx context.Context, payload []byte, to netip.AddrPort) error {
	return ErrTransport
}

// Receive returns the next datagram and its sender. When ctx ends, nothing is lost.
func (d *Datagram) Receive(ctx context.Context) ([]byte, netip.AddrPort, error) {
	return nil, netip.AddrPort{}, ErrTransport
}

// Close closes the socket; a waiting Receive returns ErrClosed.
func (d *Datagram) Close() error { return nil }
