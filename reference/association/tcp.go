// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tcpTransport is a TCP connection with its tap.
type tcpTransport struct {
	*net.TCPConn
	tap           Tap
	local, remote netip.AddrPort

	closedIn, closedOut sync.Once // a Close or Reset is recorded once a direction
}

// newTCP takes over a connection; dialled says that this side opened it.
func newTCP(c *net.TCPConn, tap Tap, live time.Duration, dialled bool) (*tcpTransport, error) {
	t := &tcpTransport{
		TCPConn: c, tap: tap,
		local:  unmapped(c.LocalAddr().(*net.TCPAddr).AddrPort()),
		remote: unmapped(c.RemoteAddr().(*net.TCPAddr).AddrPort()),
	}
	if live = liveness(live); live > 0 {
		if err := keepAlive(c, live); err != nil {
			return nil, fmt.Errorf("association: keep-alive: %w", err)
		}
	}
	t.record(RecordOpen, dialled, nil)
	return t, nil
}

// unmapped returns an address without the IPv4-in-IPv6 form.
func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// minKeepAlive is the shortest TCP liveness: three ticks of the kernel's seconds.
const minKeepAlive = 3 * time.Second

// keepAlive makes the kernel give up a peer that acknowledges nothing for d:
// after two unanswered probes, or d after the first unacknowledged octet.
func keepAlive(c *net.TCPConn, d time.Duration) error {
	d = max(d, minKeepAlive)
	tick := (d / 3).Round(time.Second)
	err := c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: tick, Interval: tick, Count: 2})
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	return errors.Join(err, set)
}

// record tells the tap.
func (t *tcpTransport) record(k RecordKind, outbound bool, data []byte) {
	if t.tap != nil {
		t.tap.Record(Record{
			Time: time.Now(), Transport: TCP, Local: t.local, Remote: t.remote,
			Outbound: outbound, Kind: k, Data: data,
		})
	}
}

// Read reads and records.
func (t *tcpTransport) Read(b []byte) (int, error) {
	n, err := t.TCPConn.Read(b)
	if n > 0 {
		t.record(RecordData, false, b[:n])
	}
	switch {
	case err == io.EOF:
		t.closedIn.Do(func() { t.record(RecordClose, false, nil) })
	case errors.Is(err, syscall.ECONNRESET):
		t.closedIn.Do(func() { t.record(RecordReset, false, nil) })
		t.closedOut.Do(func() {}) // a reset connection sends no more
	}
	return n, err
}

// Write records and writes. It hides TCPConn's ReadFrom, which the tap would
// not see.
func (t *tcpTransport) Write(b []byte) (int, error) {
	t.record(RecordData, true, b)
	return t.TCPConn.Write(b)
}

// ReadFrom keeps io.Copy from going around Write.
func (t *tcpTransport) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{t}, r)
}

// WriteTo keeps io.Copy from going around Read.
func (t *tcpTransport) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{t})
}

// CloseWrite sends FIN.
func (t *tcpTransport) CloseWrite() error {
	t.closedOut.Do(func() { t.record(RecordClose, true, nil) })
	return t.TCPConn.CloseWrite()
}

// Close sends FIN unless that was done, and closes.
func (t *tcpTransport) Close() error {
	t.closedOut.Do(func() { t.record(RecordClose, true, nil) })
	return t.TCPConn.Close()
}

func (t *tcpTransport) describe() Info {
	return Info{Transport: TCP, Local: t.local, Remote: t.remote, PeerAddrs: []netip.Addr{t.remote.Addr()}}
}

func (t *tcpTransport) shutdown(context.Context) error {
	err := t.CloseWrite()
	if errors.Is(err, syscall.ENOTCONN) { // the peer has reset it
		return ErrAborted
	}
	return err
}

func (t *tcpTransport) abort(string) {
	t.closedOut.Do(func() { t.record(RecordReset, true, nil) })
	_ = t.SetLinger(0) // RST instead of FIN
	_ = t.TCPConn.Close()
}

func (t *tcpTransport) release() { _ = t.Close() }

func (t *tcpTransport) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("%w: %w", ErrAborted, err)
	case errors.Is(err, syscall.ETIMEDOUT):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}
