// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestAnnouncementsAreHeardByMulticast has a real group on the loopback interface.
func TestAnnouncementsAreHeardByMulticast(t *testing.T) {
	group := netip.MustParseAddrPort("239.255.53.53:3863") // of local scope (RFC 2365)
	listener, err := association.ListenDatagram(t.Context(), association.DatagramConfig{
		Local: group, Groups: []netip.Addr{group.Addr()}, Interface: "lo", Shared: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	at := loopback(20)
	r, err := registrar.Start(t.Context(), registrar.Config{
		ServerID: serverID, Mode: registrar.Insecure,
		Timers:        registrar.Timers{ServerAnnounce: 20 * time.Millisecond},
		Doors:         []registrar.Door{{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(at, wire.PortASAP)}},
		Announcements: &registrar.Announcements{Group: group, Local: netip.AddrPortFrom(at, 0), Interface: "lo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), loopbackWait)
	defer cancel()
	payload, from, err := listener.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.Decode(wire.ASAP, payload, nil)
	a, ok := m.(*wire.ServerAnnounce)
	if err != nil || !ok || a.Server != serverID || from.Addr() != at || len(a.Transports) != 1 || a.Transports[0].Port != wire.PortASAP {
		t.Fatalf("%+v from %s, error %v", m, from, err)
	}
}
