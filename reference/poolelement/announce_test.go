// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"encoding/binary"
	mathrand "math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// announcing returns an element that knows the first n registrars and listens for others.
func announcing(n int) poolelement.Config {
	cfg := config(n)
	cfg.Announcements = &poolelement.Announcements{SCTP: association.SCTPUDP, TCP: true}
	return cfg
}

// announce lets the element hear an announcement of SCTP addresses.
func (b *bed) announce(from string, transports ...wire.Transport) {
	b.t.Helper()
	payload, err := wire.Encode(&wire.ServerAnnounce{Server: server2, Transports: transports})
	if err != nil {
		b.t.Fatal(err)
	}
	b.hear <- datagram{payload, netip.MustParseAddrPort(from)}
	synctest.Wait()
}

func sctpAt(r poolelement.Registrar) wire.Transport {
	return wire.Transport{Kind: wire.TransportSCTP, Port: r.Addr.Port(), Addrs: []netip.Addr{r.Addr.Addr()}}
}

func TestAnnouncedRegistrarIsCalledWhileItsAnnouncementIsFresh(t *testing.T) {
	run(t, announcing(0), func(b *bed) { b.lose(2) }, func(t *testing.T, b *bed) {
		time.Sleep(11 * time.Second)
		b.announce("198.51.100.2:3863", sctpAt(registrarAt(2)))
		if got, want := times(b.calls()), seconds(11); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
		time.Sleep(4 * time.Second)
		b.announce("198.51.100.2:3863", sctpAt(registrarAt(2))) // restarts T7, 5 s
		time.Sleep(4900 * time.Millisecond)                     // the first one is out of date by now
		synctest.Wait()
		b.announce("198.51.100.2:3863", sctpAt(registrarAt(2)))
		time.Sleep(11 * time.Second) // the second set begins at 30 s: outdated by then
		if got, want := times(b.calls()), seconds(11); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v: T7 has ended", got, want)
		}
	})
}

func TestAnnouncementIsRefreshed(t *testing.T) {
	run(t, announcing(0), func(b *bed) { b.lose(2) }, func(t *testing.T, b *bed) {
		for range 31 { // one a second, T6
			b.announce("198.51.100.2:3863", sctpAt(registrarAt(2)))
			time.Sleep(time.Second)
		}
		if got, want := times(b.calls()), seconds(0, 10, 30); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
	})
}

// TestWhereAnnouncedRegistrarsAreCalled: RFC 5352 section 3.6.
func TestWhereAnnouncedRegistrarsAreCalled(t *testing.T) {
	at := func(kind wire.TransportKind, port uint16, addrs ...string) wire.Transport {
		tr := wire.Transport{Kind: kind, Port: port}
		for _, a := range addrs {
			tr.Addrs = append(tr.Addrs, netip.MustParseAddr(a))
		}
		return tr
	}
	for _, row := range []struct {
		name       string
		mode       poolelement.Mode
		transports []wire.Transport
		want       []string
	}{
		{"SCTP, two addresses", poolelement.Secured, []wire.Transport{at(wire.TransportSCTP, 4000, "198.51.100.2", "198.51.100.3")}, []string{"198.51.100.2:4000", "198.51.100.3:4000"}},
		{"TCP", poolelement.Secured, []wire.Transport{at(wire.TransportTCP, 4000, "198.51.100.2")}, []string{"198.51.100.2:4000"}},
		{"the port for clear", poolelement.Secured, []wire.Transport{at(wire.TransportSCTP, 3863, "198.51.100.2")}, []string{"198.51.100.2:3864"}},
		{"the port for clear, insecure", poolelement.Insecure, []wire.Transport{at(wire.TransportSCTP, 3863, "198.51.100.2")}, []string{"198.51.100.2:3863"}},
		{"no transport", poolelement.Secured, nil, []string{"198.51.100.9:3864"}},
		{"no transport, insecure", poolelement.Insecure, nil, []string{"198.51.100.9:3863"}},
		{"port 0, unspecified, multicast", poolelement.Secured, []wire.Transport{
			at(wire.TransportSCTP, 0, "198.51.100.2"), at(wire.TransportSCTP, 4000, "0.0.0.0", "224.0.1.185"),
		}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			cfg := announcing(0)
			cfg.Mode = row.mode
			run(t, cfg, func(*bed) {}, func(t *testing.T, b *bed) {
				b.announce("198.51.100.9:1234", row.transports...)
				var got []string
				for _, d := range b.calls() {
					got = append(got, d.addr.String())
				}
				slices.Sort(got)
				if !slices.Equal(got, row.want) {
					t.Fatalf("called %v, want %v", got, row.want)
				}
			})
		})
	}
}

func TestAnnouncedRegistrarIsNotTrusted(t *testing.T) {
	var rogue *host
	run(t, announcing(0), func(b *bed) {
		rogue = b.upAs(2, func(i *association.Info) { i.Identity = tlspsk.Identity{} })
	}, func(t *testing.T, b *bed) {
		b.announce("198.51.100.66:3863", sctpAt(registrarAt(2)))
		n := rogue.next()
		b.event(poolelement.RegistrarRefused)
		n.ended()
		if m := n.next(); m != nil {
			t.Fatalf("the rogue got %+v", m)
		}
	})
}

// forge lets the element hear announcements of addresses where nobody is, 20 a second.
func (b *bed) forge(from, count int) {
	for i := from; i < from+count; i++ {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0xcb007100+uint32(i))
		addr := netip.AddrFrom4(a)
		b.mu.Lock()
		b.hosts[netip.AddrPortFrom(addr, 3864)] = host{lost: true}
		b.mu.Unlock()
		b.announce(netip.AddrPortFrom(addr, 3863).String())
		time.Sleep(50 * time.Millisecond)
	}
}

func TestFloodOfAnnouncementsHidesNoConfiguredRegistrar(t *testing.T) {
	var h *host
	run(t, announcing(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		b.forge(0, 100)
		h = b.up(1) // the registrar comes up during the flood
		go func() { h.next().serve() }()
		b.forge(100, 500) // 25 s: T5 ends at 10 s
		if _, registered, _ := b.e.Member([]byte(pool)); !registered {
			t.Fatal("not registered")
		}
		if s := b.e.Stats(); s.AnnouncementsPushed == 0 || b.openMax > 3 {
			t.Errorf("%d pushed, %d associations at once", s.AnnouncementsPushed, b.openMax)
		}
	})
}

func TestRegistrarIsFoundAmongForgedAnnouncements(t *testing.T) {
	cfg := announcing(0)
	cfg.Limits.Announced = 8
	cfg.Rand = mathrand.New(mathrand.NewPCG(7, 8)) // who is pushed out and who is called is drawn; found after 70 s
	var h *host
	run(t, cfg, func(b *bed) { h = b.up(2) }, func(t *testing.T, b *bed) {
		// Of the bubble: the registrar is announced shortly before T5 ends, never in the same instant.
		time.Sleep(995 * time.Millisecond)
		b.forge(0, 20)
		go func() { h.next().serve() }()
		for range 600 {
			b.forge(20, 20)                                         // as many as fit, and always fresh
			b.announce("198.51.100.2:3863", sctpAt(registrarAt(2))) // one a second
			if _, registered, _ := b.e.Member([]byte(pool)); registered {
				return
			}
		}
		t.Fatal("not found within 10 minutes")
	})
}

func TestConfiguredRegistrarDoesNotGoOutOfDate(t *testing.T) {
	run(t, announcing(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		b.announce("198.51.100.1:3863", sctpAt(registrarAt(1)))
		time.Sleep(31 * time.Second)
		if got, want := times(b.calls()), seconds(0, 10, 30); !slices.Equal(got, want) {
			t.Fatalf("calls at %v, want %v", got, want)
		}
		if got := b.e.Stats().Announcements; got != 0 {
			t.Errorf("%d addresses taken, which were known", got)
		}
	})
}

func TestDeadConfiguredAddressesHideNoAnnouncedRegistrar(t *testing.T) {
	var h *host
	run(t, announcing(5), func(b *bed) {
		for n := range 5 {
			b.lose(n + 1)
		}
		h = b.up(9)
	}, func(t *testing.T, b *bed) {
		go func() { h.next().serve() }()
		for range 11 {
			b.announce("198.51.100.9:3863", sctpAt(registrarAt(9)))
			time.Sleep(time.Second)
		}
		if _, registered, _ := b.e.Member([]byte(pool)); !registered {
			t.Fatal("not registered in the second set")
		}
	})
}

func TestDatagramWithoutAnAnnouncementIsCounted(t *testing.T) {
	run(t, announcing(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		for _, payload := range []string{"", "0a00", "07000014 0a0b0c01 0009000c4563686f506f6f6c", "0a000008 0a0b0c01 00"} {
			b.hear <- datagram{octets(t, payload), netip.MustParseAddrPort("198.51.100.66:9")}
		}
		synctest.Wait()
		if got := b.e.Stats(); got.AnnouncementsBad != 4 || got.Announcements != 0 {
			t.Fatalf("stats %+v", got)
		}
	})
}

func TestAnnouncementWithTooManyAddressesIsCutShort(t *testing.T) {
	run(t, announcing(1), func(b *bed) { b.lose(1) }, func(t *testing.T, b *bed) {
		var tr wire.Transport
		tr.Kind, tr.Port = wire.TransportSCTP, 4000
		for i := range 100 {
			tr.Addrs = append(tr.Addrs, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
		}
		b.announce("198.51.100.66:3863", tr)
		if got := b.e.Stats().Announcements; got != 8 {
			t.Fatalf("%d addresses taken, want 8", got)
		}
	})
}
