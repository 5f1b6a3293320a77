//go:build interop

// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/kernelsctp"
)

// These tests need a kernel with SCTP: package interop runs them in the guest.

// onKernel runs a test as the others run theirs, so that it is selected alike.
func onKernel(t *testing.T, f func(t *testing.T)) { t.Run(string(SCTPKernel), f) }

func TestAbortOfKernelSCTPTellsTheReason(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		b := newBed(t, SCTPKernel, "clear")
		for _, fromServer := range []bool{true, false} {
			from, to := b.dial(t)
			if fromServer {
				from, to = to, from
			}
			if err := from.Abort("had enough"); err != nil {
				t.Error(err)
			}
			if err := end(t, to); !errors.Is(err, ErrAborted) || !strings.Contains(err.Error(), "had enough") {
				t.Errorf("ended: %v", err)
			}
		}
	})
}

func TestDialOfAClosedPortOfKernelSCTPIsRefused(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		d := Dialer{Transport: SCTPKernel, Local: address()}
		start := time.Now()
		_, err := d.Dial(within(t), netip.AddrPortFrom(address(), 3863))
		if !errors.Is(err, ErrAborted) || time.Since(start) > 3*time.Second {
			t.Errorf("dial: %v after %v", err, time.Since(start))
		}
	})
}

func TestOversizedMessageOfKernelSCTPEndsIt(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		client, server := newBed(t, SCTPKernel, "clear", func(_ *Dialer, c *ListenConfig) { c.Limits.MaxMessage = 1000 }).dial(t)
		send(t, client, 1000, 1)
		want(t, server, 1000, 1)
		send(t, client, 1004, 1)
		if err := end(t, server); !errors.Is(err, ErrLength) {
			t.Errorf("server ended: %v", err)
		}
		if err := end(t, client); !errors.Is(err, ErrAborted) {
			t.Errorf("client ended: %v", err)
		}
	})
}

func TestPeersOfKernelSCTPShowAllTheirAddresses(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		b := newBed(t, SCTPKernel, "clear", func(d *Dialer, _ *ListenConfig) { d.Local = netip.Addr{} })
		_, server := b.dial(t)
		if got := server.Info().PeerAddrs; len(got) < 2 || !slices.Contains(got, netip.MustParseAddr("10.132.1.2")) {
			t.Errorf("peer addresses %v, want the guest's too", got)
		}
	})
}

func TestFixedPortOfKernelSCTPCanBeDialledAgain(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		b := newBed(t, SCTPKernel, "clear", func(d *Dialer, _ *ListenConfig) { d.LocalPort = 5001 })
		for range 3 {
			client, server := b.dial(t)
			if port := server.Info().Remote.Port(); port != 5001 {
				t.Errorf("dialled from port %d", port)
			}
			closeNow(t, client)
			<-server.Done()
		}
	})
}

func TestKernelSCTPDialsFromAPortThatItListensOn(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		a, b := newBed(t, SCTPKernel, "clear"), newBed(t, SCTPKernel, "clear")
		own := a.listener.Addr()
		b.dialer.Local, b.dialer.LocalPort = own.Addr(), own.Port()
		for range 2 { // and what comes goes to the listener, before and after
			a.dial(t)
			client, server := b.dial(t)
			if from := server.Info().Remote; from != own {
				t.Errorf("dialled from %v, want %v", from, own)
			}
			closeNow(t, client)
			<-server.Done()
		}
		if l, err := Listen(within(t), ListenConfig{Transport: SCTPKernel, Addr: own}); !errors.Is(err, unix.EADDRINUSE) {
			if err == nil {
				_ = l.Close()
			}
			t.Errorf("second listener: %v, want %v", err, unix.EADDRINUSE)
		}
	})
}

func TestKernelListenerRestartsWithLivingClients(t *testing.T) {
	onKernel(t, func(t *testing.T) {
		b := newBed(t, SCTPKernel, "clear")
		client, server := b.dial(t)
		if err := b.listener.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := Listen(t.Context(), ListenConfig{Transport: SCTPKernel, Addr: b.listener.Addr(), PPID: 11})
		if err != nil {
			t.Fatal(err)
		}
		b.listener = again
		defer again.Close()
		c2, s2 := b.dial(t)
		send(t, c2, 8, 1)
		want(t, s2, 8, 1)
		send(t, client, 8, 2)
		want(t, server, 8, 2)
	})
}

// deafenSCTP makes a kernel association drop everything that arrives.
func deafenSCTP(t *testing.T, a Association) {
	t.Helper()
	raw, err := a.(*carrier).t.(*sctpTransport).sctpConn.(*kernelsctp.Conn).SyscallConn()
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

func TestDeadKernelSCTPPeerIsGivenUp(t *testing.T) {
	const liveness = 3 * time.Second
	onKernel(t, func(t *testing.T) {
		for name, write := range map[string]bool{"idle": false, "data outstanding": true} {
			t.Run(name, func(t *testing.T) {
				client, server := newBed(t, SCTPKernel, "clear", func(_ *Dialer, c *ListenConfig) { c.Liveness = liveness }).dial(t)
				send(t, server, 8, 1)
				want(t, client, 8, 1)
				<-time.After(2 * liveness) // HEARTBEATs keep an idle association
				send(t, server, 8, 1)
				want(t, client, 8, 1)
				deafenSCTP(t, client)
				start := time.Now()
				if write {
					send(t, server, 8, 1)
				}
				if err := end(t, server); !errors.Is(err, ErrUnreachable) {
					t.Errorf("ended: %v", err)
				}
				if d := time.Since(start); d < liveness/4 || d > 2*liveness {
					t.Errorf("given up after %v", d)
				} else {
					t.Logf("given up after %v", d)
				}
			})
		}
	})
}
