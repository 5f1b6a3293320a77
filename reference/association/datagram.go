// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// maxDatagram is the longest UDP datagram.
const maxDatagram = 65535

// DatagramConfig describes a Datagram socket.
type DatagramConfig struct {
	// Local is the address to bind. Port 0 takes a free one. A receiver of a
	// group binds the group or the unspecified address.
	Local netip.AddrPort
	// Groups are multicast groups to join, on Interface or where the kernel
	// chooses: 224.0.1.185 for ASAP announcements (RFC 5352 section 3.2). What
	// is sent to a group goes out there as well.
	Groups    []netip.Addr
	Interface string
	// Shared lets several sockets bind the same address, as receivers of a group do.
	Shared bool
	Tap    Tap
}

// Datagram sends and receives UDP datagrams, one message each. All methods may
// be called from any goroutine.
type Datagram struct {
	c     *net.UDPConn
	tap   Tap
	local netip.AddrPort

	reading chan struct{} // holds a token while somebody reads
	writing sync.Mutex
	buf     []byte
}

// ListenDatagram opens a socket.
func ListenDatagram(ctx context.Context, c DatagramConfig) (*Datagram, error) {
	open := openUDP
	if c.Local.Addr().IsMulticast() {
		open = openGroup
	}
	conn, err := open(ctx, c.Local, c.Shared)
	if err != nil {
		return nil, fmt.Errorf("association: datagrams on %v: %w", c.Local, err)
	}
	if err := join(conn, c.Groups, c.Interface); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("association: datagrams: %w", err)
	}
	return &Datagram{
		c: conn, tap: c.Tap, local: unmapped(conn.LocalAddr().(*net.UDPAddr).AddrPort()),
		reading: make(chan struct{}, 1), buf: make([]byte, maxDatagram),
	}, nil
}

// Local returns the bound address.
func (d *Datagram) Local() netip.AddrPort { return d.local }

// record tells the tap.
func (d *Datagram) record(remote netip.AddrPort, outbound bool, data []byte) {
	if d.tap != nil {
		d.tap.Record(Record{
			Time: time.Now(), Transport: UDP, Local: d.local, Remote: remote,
			Outbound: outbound, Kind: RecordData, Data: data,
		})
	}
}

// Send sends one datagram.
func (d *Datagram) Send(ctx context.Context, payload []byte, to netip.AddrPort) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	d.record(to, true, payload)
	if _, err := d.c.WriteToUDPAddrPort(payload, to); err != nil {
		return fmt.Errorf("association: datagram: %w", d.explain(err))
	}
	return nil
}

// Receive returns the next datagram and its sender. When ctx ends, nothing is
// lost. Errors that ICMP reports are the peer's and are passed over.
func (d *Datagram) Receive(ctx context.Context) ([]byte, netip.AddrPort, error) {
	select {
	case d.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, netip.AddrPort{}, ctx.Err()
	}
	defer func() { <-d.reading }()
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = d.c.SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	n, from, err := d.c.ReadFromUDPAddrPort(d.buf)
	for errors.Is(err, syscall.ECONNREFUSED) {
		n, from, err = d.c.ReadFromUDPAddrPort(d.buf)
	}
	if !stop() {
		<-interrupted
		_ = d.c.SetReadDeadline(time.Time{}) // it would hold for the next Receive
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, netip.AddrPort{}, ctx.Err()
		}
		return nil, netip.AddrPort{}, fmt.Errorf("association: datagram: %w", d.explain(err))
	}
	from = unmapped(from)
	d.record(from, false, d.buf[:n])
	return append([]byte(nil), d.buf[:n]...), from, nil
}

// explain turns an error of package net into one of this package.
func (d *Datagram) explain(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}

// Close closes the socket; a waiting Receive returns ErrClosed.
func (d *Datagram) Close() error { return d.c.Close() }
