// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inNamespace runs f on a thread in a network namespace of its own, whose loopback has the
// addresses. Sockets that f opens stay in it.
func inNamespace(t *testing.T, addrs []netip.Addr, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces are made as root only")
	}
	done := make(chan error, 1)
	go func() {
		finished := errors.New("the test has failed")
		defer func() { done <- finished }() // also after FailNow
		runtime.LockOSThread()              // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		commands := [][]string{{"link", "set", "lo", "up"}}
		for _, a := range addrs {
			commands = append(commands, []string{"addr", "add", a.String() + "/128", "dev", "lo", "nodad"})
		}
		for _, c := range commands {
			if err == nil {
				err = exec.Command("ip", c...).Run()
			}
		}
		if err == nil {
			err = reachable(addrs)
		}
		if err == nil {
			f()
		}
		finished = err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// reachable waits until the kernel, which does so in its own time, has made the routes from each
// address to each.
func reachable(addrs []netip.Addr) error {
	const discard = 9
	deadline := time.Now().Add(patience)
	for _, from := range addrs {
		for _, to := range addrs {
			for {
				c, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, discard)))
				if err == nil {
					_ = c.Close()
					break
				}
				if time.Now().After(deadline) {
					return err
				}
				runtime.Gosched()
			}
		}
	}
	return nil
}

// Every transport works with IPv6 as with IPv4, and shows the addresses of both ends.
func TestIPv6(t *testing.T) {
	server, client := netip.MustParseAddr("fd00:7::1"), netip.MustParseAddr("fd00:7::2")
	each(t, func(t *testing.T, tr Transport, security string) {
		inNamespace(t, []netip.Addr{server, client}, func() {
			d, c := Dialer{Transport: tr, PPID: 11, Local: client}, ListenConfig{Transport: tr, PPID: 11, Addr: netip.AddrPortFrom(server, 3863)}
			if security != "clear" {
				d.TLS, c.TLS = tlsPair(t, security)
			}
			if tr.IsSCTP() {
				var err error
				if c.Stack, err = NewStack(StackConfig{Local: server, Transport: tr}); err != nil {
					t.Error(err)
					return
				}
				if d.Stack, err = NewStack(StackConfig{Local: client, Transport: tr}); err != nil {
					t.Error(err)
					return
				}
				t.Cleanup(func() {
					if err := errors.Join(d.Stack.Close(), c.Stack.Close()); err != nil {
						t.Error(err)
					}
				})
			}
			l, err := Listen(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { l.Close() })
			b := &bed{listener: l, dialer: d}
			near, far := b.dial(t)
			send(t, near, 100, 1)
			want(t, far, 100, 1)
			send(t, far, 20_000, 2) // several packets
			want(t, near, 20_000, 2)
			if got := far.Info().Remote.Addr(); got != client {
				t.Errorf("the server sees %s, want %s", got, client)
			}
			if got := near.Info().Remote; got != netip.AddrPortFrom(server, 3863) {
				t.Errorf("the client sees %s", got)
			}
			closeNow(t, near)
			<-far.Done()
		})
	})
}
