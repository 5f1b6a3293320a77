// SPDX-License-Identifier: Apache-2.0

package script_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestHeraldIsHeardInItsGroupAndAtAddresses, and nobody there is no error.
func TestHeraldIsHeardInItsGroupAndAtAddresses(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n := rand.Uint32()
	group := netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 200, byte(n >> 8), byte(n)}), 3863)
	host := netip.AddrFrom4([4]byte{127, byte(1 + n>>16&127), byte(n >> 8), byte(n&127 + 1)})
	listen := func(c association.DatagramConfig) *association.Datagram {
		d, err := association.ListenDatagram(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	member := listen(association.DatagramConfig{Local: group, Groups: []netip.Addr{group.Addr()}, Interface: "lo", Shared: true})
	alone := listen(association.DatagramConfig{Local: netip.AddrPortFrom(host, 0)})
	h, err := script.OpenHerald(ctx, script.HeraldOptions{
		Name: "registrar", Peer: "pu", Local: host, Wire: wire.Strict(),
		To: []netip.AddrPort{group, netip.AddrPortFrom(host, 1), alone.Local()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for range 2 { // the second time the kernel has heard that nobody is at port 1
		if err := h.Announce(ctx, &wire.ServerAnnounce{Server: 7}); err != nil {
			t.Error(err)
		}
	}
	for _, d := range []*association.Datagram{member, alone} {
		b, from, err := d.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.Decode(wire.ASAP, b, nil)
		if a, ok := m.(*wire.ServerAnnounce); err != nil || !ok || a.Server != 7 || from.Addr() != host {
			t.Errorf("%+v from %s, %v", m, from, err)
		}
	}
}
