// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDamagedAndOversizePacketsAreCountedAndDropped(t *testing.T) {
	n := newNetwork()
	e := NewEndpoint(n.link("10.0.0.2"), Config{})
	defer e.Close()
	server(t, e, Options{})
	peer := n.link("10.0.0.1")
	damaged := unhex(t, linuxInit)
	seal(damaged, 50000, 3863)
	damaged[20] ^= 1
	oversize := make([]byte, maxPacketLen+4)
	seal(oversize, 50000, 3863)
	for _, p := range [][]byte{damaged, oversize, unhex(t, linuxInit)[:15]} {
		n.deliver(peer.local, e.Local(), p)
	}
	good := unhex(t, linuxInit)
	seal(good, 50000, 3863)
	n.deliver(peer.local, e.Local(), good)
	peer.next(t)
	if s := e.Stats(); s.BadChecksum != 1 || s.Oversize != 1 {
		t.Errorf("%+v", s)
	}
}

func TestBurstOfAssociationsLosesNoInit(t *testing.T) {
	n := newNetwork()
	a, b := NewEndpoint(n.link("10.0.0.1"), Config{}), NewEndpoint(n.link("10.0.0.2"), Config{})
	defer a.Close()
	defer b.Close()
	server(t, b, Options{})
	const burst = 500
	var all sync.WaitGroup
	for range burst {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if _, err := a.Dial(ctx, DialConfig{Remote: netip.MustParseAddrPort("10.0.0.2:3863")}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s := b.Stats(); s.QueueFull != 0 || s.Refused != 0 {
		t.Errorf("%+v", s)
	}
}

func TestAssociationsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a := NewEndpoint(n.link("10.0.0.1"), Config{Associations: 2})
		b := NewEndpoint(n.link("10.0.0.2"), Config{Associations: 2})
		c := NewEndpoint(n.link("10.0.0.3"), Config{})
		defer a.Close()
		defer b.Close()
		defer c.Close()
		conns := server(t, b, Options{})
		dial(t, a, DialConfig{})
		dial(t, a, DialConfig{})
		if _, err := a.Dial(t.Context(), DialConfig{Remote: netip.MustParseAddrPort("10.0.0.2:3863")}); !errors.Is(err, ErrTooMany) {
			t.Errorf("dial above the limit: %v", err)
		}
		first := <-conns
		go func() {
			time.Sleep(2 * time.Second) // of the bubble; then the INIT is sent again
			_ = first.Close()
		}()
		dial(t, c, DialConfig{})
		if b.Stats().Refused == 0 {
			t.Error("no INIT refused")
		}
	})
}

func TestPortsAreExclusive(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	if _, err := p.serverEnd.Listen(ListenConfig{Port: 3863}); !errors.Is(err, ErrPortInUse) {
		t.Errorf("second listener: %v", err)
	}
	c := DialConfig{Remote: netip.MustParseAddrPort("10.0.0.2:3863"), LocalPort: p.client.path.key.local}
	if _, err := p.clientEnd.Dial(t.Context(), c); !errors.Is(err, ErrPortInUse) {
		t.Errorf("second association: %v", err)
	}
	port, err := p.serverEnd.Listen(ListenConfig{})
	if err != nil || port < firstEphemeral {
		t.Errorf("any port: %d, %v", port, err)
	}
}

// TestFirstPortIsTheSourcePortOnce: endpoints on one address have to take different ones, and what
// follows must not meet what the peer is still ending.
func TestFirstPortIsTheSourcePortOnce(t *testing.T) {
	n := newNetwork()
	srv := NewEndpoint(n.link("10.0.0.2"), Config{})
	defer srv.Close()
	server(t, srv, Options{})
	e := NewEndpoint(n.link("10.0.0.1"), Config{FirstPort: 40001})
	defer e.Close()
	for i, want := range []bool{true, false, false} {
		c := dial(t, e, DialConfig{})
		if port := c.LocalAddr().(Addr).Port(); (port == 40001) != want {
			t.Errorf("association %d has port %d", i, port)
		}
		c.Abort("done")
	}
}
