// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// deafen makes a TCP socket drop everything that arrives, acknowledgements
// included, as if its host had gone.
func deafen(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K}}
	var set error
	err = raw.Control(func(fd uintptr) {
		set = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: 1, Filter: &drop[0]})
	})
	if err := errors.Join(err, set); err != nil {
		t.Fatal(err)
	}
}

func TestDeadTCPPeerIsGivenUp(t *testing.T) {
	const liveness = minKeepAlive
	for name, write := range map[string]bool{"idle": false, "data outstanding": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, TCP, "clear", func(_ *Dialer, c *ListenConfig) { c.Liveness = liveness })
			peer := b.rawConn(t)
			server, err := b.listener.Accept(within(t))
			if err != nil {
				t.Fatal(err)
			}
			deafen(t, peer)
			start := time.Now()
			if write {
				send(t, server, 8, 1)
			}
			if err := end(t, server); !errors.Is(err, ErrUnreachable) {
				t.Errorf("ended: %v", err)
			}
			if d := time.Since(start); d < liveness/2 || d > 3*liveness {
				t.Errorf("given up after %v", d)
			}
		})
	}
}

// relay passes datagrams between a client and a server until it is cut.
type relay struct {
	c   *net.UDPConn
	cut atomic.Bool
}

func newRelay(t *testing.T, server netip.AddrPort) *relay {
	t.Helper()
	local := netip.AddrPortFrom(server.Addr().Prev(), server.Port())
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{c: c}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var client netip.AddrPort
		buf := make([]byte, 1<<16)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			to := server
			if from == server {
				to = client
			} else {
				client = from
			}
			if !r.cut.Load() {
				_, _ = c.WriteToUDPAddrPort(buf[:n], to)
			}
		}
	}()
	t.Cleanup(func() {
		c.Close()
		<-done
	})
	return r
}

func TestDeadSCTPPeerIsGivenUp(t *testing.T) {
	const liveness = 800 * time.Millisecond
	for _, security := range everySecurity {
		t.Run(security, func(t *testing.T) {
			host.Add(10) // the relay takes the address before the server's
			b := newBed(t, SCTPUDP, security, func(d *Dialer, c *ListenConfig) { d.Liveness, c.Liveness = liveness, liveness })
			r := newRelay(t, b.stack.Local())
			remote := netip.AddrPortFrom(r.c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), b.listener.Addr().Port())
			client, err := b.dialer.Dial(within(t), remote)
			if err != nil {
				t.Fatal(err)
			}
			server, err := b.listener.Accept(within(t))
			if err != nil {
				t.Fatal(err)
			}
			send(t, client, 8, 1)
			want(t, server, 8, 1)
			<-time.After(2 * liveness) // HEARTBEATs keep an idle association
			send(t, server, 8, 1)
			want(t, client, 8, 1)
			r.cut.Store(true)
			start := time.Now()
			for _, a := range []Association{client, server} {
				if err := end(t, a); !errors.Is(err, ErrUnreachable) {
					t.Errorf("ended: %v", err)
				}
			}
			if d := time.Since(start); d > 4*liveness {
				t.Errorf("given up after %v", d)
			}
		})
	}
}
