// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// multicast is a Source that a test feeds.
type multicast struct {
	t      *testing.T
	in     chan datagram
	closed chan struct{}
}

type datagram struct {
	payload []byte
	from    netip.AddrPort
}

func (m *multicast) Receive(ctx context.Context) ([]byte, netip.AddrPort, error) {
	select {
	case d := <-m.in:
		return d.payload, d.from, nil
	case <-m.closed:
		return nil, netip.AddrPort{}, association.ErrClosed
	case <-ctx.Done():
		return nil, netip.AddrPort{}, ctx.Err()
	}
}

func (m *multicast) Close() error { close(m.closed); return nil }

// announce delivers an announcement from an address and waits until it is dealt with.
func (m *multicast) announce(from string, transports ...wire.Transport) {
	m.t.Helper()
	b, err := wire.Encode(&wire.ServerAnnounce{Server: 1, Transports: transports})
	if err != nil {
		m.t.Fatal(err)
	}
	m.in <- datagram{b, netip.AddrPortFrom(netip.MustParseAddr(from), 3863)}
	synctest.Wait()
}

// listening returns a configuration that takes announcements.
func listening(t *testing.T) (*multicast, func(*pooluser.Config)) {
	m := &multicast{t: t, in: make(chan datagram), closed: make(chan struct{})}
	return m, func(c *pooluser.Config) {
		c.Announce = &pooluser.Announce{Listen: func(context.Context, *pooluser.Announce) (pooluser.Source, error) { return m, nil }}
	}
}

func tcpAt(addr string) wire.Transport {
	at := netip.MustParseAddrPort(addr)
	return wire.Transport{Kind: wire.TransportTCP, Port: at.Port(), Addrs: []netip.Addr{at.Addr()}}
}

func names(u *pooluser.User) []string {
	var all []string
	for _, s := range u.Servers() {
		all = append(all, s.String())
	}
	return all
}

// RFC 5352 section 3.6.
func TestAnnouncedAddressesAreListedUntilT7(t *testing.T) {
	for _, tc := range []struct {
		name       string
		mode       pooluser.Mode
		transports []wire.Transport
		want       []string
	}{
		{"none: SCTP at the source, TLS port", pooluser.Secured, nil, []string{"sctp-udp 192.0.2.1:3864"}},
		{"none, in clear", pooluser.Clear, nil, []string{"sctp-udp 192.0.2.1:3863"}},
		{"TCP", pooluser.Secured, []wire.Transport{tcpAt("192.0.2.7:4000")}, []string{"tcp 192.0.2.7:4000"}},
		{"several", pooluser.Secured, []wire.Transport{
			{Kind: wire.TransportSCTP, Port: 5, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::1")}},
			tcpAt("192.0.2.7:4000"),
		}, []string{"sctp-udp 192.0.2.7:5", "sctp-udp [2001:db8::1]:5", "tcp 192.0.2.7:4000"}},
		{"nowhere", pooluser.Secured, []wire.Transport{tcpAt("0.0.0.0:4000"), tcpAt("224.0.0.1:4000"), tcpAt("192.0.2.7:0")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, listen := listening(t)
				u := newNetwork(t).start(func(c *pooluser.Config) { listen(c); c.Mode = tc.mode })
				m.announce("192.0.2.1", tc.transports...)
				if got := names(u); !slices.Equal(got, tc.want) {
					t.Errorf("listed %v, want %v", got, tc.want)
				}
				time.Sleep(3 * time.Second)
				m.announce("192.0.2.1", tc.transports...) // restarts T7
				time.Sleep(5 * time.Second)
				if got := names(u); !slices.Equal(got, tc.want) {
					t.Errorf("after 5 s since the last announcement: %v, want %v", got, tc.want)
				}
				time.Sleep(time.Nanosecond)
				if got := names(u); len(got) != 0 {
					t.Errorf("after T7: %v", got)
				}
			})
		})
	}
}

func TestAnnouncementEndsTheWaitOfAHunt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.registrar("announced", addr1, listed(peA))
		m, listen := listening(t)
		u := n.start(listen)
		start := time.Now()
		resolved := make(chan error)
		go func() { _, err := u.Resolve(within(t, time.Minute), pool); resolved <- err }()
		time.Sleep(3 * time.Second)
		m.announce("192.0.2.1", tcpAt(addr1))
		if err := <-resolved; err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want success at once", err, time.Since(start))
		}
	})
}

// Draft section 2.12: whoever is announced is a candidate and nothing more.
func TestAnnouncedRegistrarMustAuthenticateItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		rogue := n.add("rogue", addr1)
		rogue.info = association.Info{Secured: true}
		m, listen := listening(t)
		u := n.start(listen)
		m.announce("192.0.2.1", tcpAt(addr1))
		_, err := u.Resolve(within(t, time.Second), pool)
		if !errors.Is(err, pooluser.ErrUnauthenticated) {
			t.Errorf("got %v, want ErrUnauthenticated", err)
		}
		if got := rogue.accept().pending(); len(got) != 0 {
			t.Errorf("it was sent %d messages", len(got))
		}
		if name := rogue.target().TLS.Certificates.ServerName; name != "192.0.2.1" {
			t.Errorf("its certificate would have to be for %q, want its address", name)
		}
	})
}

func TestFloodOfAnnouncementsDisplacesNobody(t *testing.T) {
	// Four addresses a source: the first octets of a flood, from as many sources as it likes.
	flood := func(m *multicast, n int) {
		for i := range n {
			var ip [4]byte
			binary.BigEndian.PutUint32(ip[:], 0xc6120000+uint32(i)) // 198.18.0.0/15, RFC 2544
			addr := netip.AddrFrom4(ip)
			m.announce(addr.String(), tcpAt(netip.AddrPortFrom(addr, 3864).String()))
		}
	}
	t.Run("one that was there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			n.registrar("announced", addr1, listed(peA))
			m, listen := listening(t)
			u := n.start(listen)
			m.announce("192.0.2.1", tcpAt(addr1))
			flood(m, 500)
			if got := len(u.Servers()); got != 64 {
				t.Errorf("%d registrars remembered, want the limit of 64", got)
			}
			if r, err := u.Resolve(within(t, time.Minute), pool); err != nil {
				t.Errorf("%v, %v", r, err)
			}
		})
	})
	t.Run("one that comes later, after the flood has been tried", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			n.registrar("announced", addr1, listed(peA))
			m, listen := listening(t)
			u := n.start(func(c *pooluser.Config) { listen(c); c.Limits.Announced = 4 })
			flood(m, 8)
			resolved := make(chan error)
			go func() { _, err := u.Resolve(within(t, time.Minute), pool); resolved <- err }()
			synctest.Wait()
			m.announce("192.0.2.1", tcpAt(addr1))
			if err := <-resolved; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("a configured one behind silent ones", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			n.silent = true
			n.registrar("configured", addr1, listed(peA))
			m, listen := listening(t)
			u := n.start(listen, addr1)
			flood(m, 64)
			if _, err := u.Resolve(within(t, time.Millisecond), pool); err != nil {
				t.Errorf("the configured registrar was not among the first three: %v", err)
			}
		})
	})
}

func TestOneSourceHasAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, listen := listening(t)
		u := newNetwork(t).start(listen)
		for port := range uint16(100) {
			m.announce("192.0.2.66", tcpAt(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.66"), 1+port).String()))
		}
		if got := len(u.Servers()); got != 4 {
			t.Errorf("%d addresses of one source remembered, want 4", got)
		}
		if got := u.Stats().AnnouncementsDropped; got != 96 {
			t.Errorf("%d counted as dropped, want 96", got)
		}
	})
}

func TestWithoutTheDefenceAFloodFillsTheList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, listen := listening(t)
		all := pooluser.AnnouncementFunc(func([]pooluser.Announced, pooluser.Announced, pooluser.Limits) (int, bool) { return -1, true })
		u := newNetwork(t).start(func(c *pooluser.Config) {
			listen(c)
			defences(func(d *pooluser.Defences) { d.Announcement = all })(c)
		})
		for port := range uint16(100) {
			m.announce("192.0.2.66", tcpAt(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.66"), 1+port).String()))
		}
		if got := len(u.Servers()); got != 100 {
			t.Errorf("%d remembered, want all", got)
		}
	})
}

func TestOtherDatagramsAreDroppedWithoutAnAnswer(t *testing.T) {
	for name, payload := range map[string]string{
		"nothing": "", "garbage": "ffffffff", "truncated": "0a000010 00000001",
		"another message": "0b00000b 000d0007 61626300", "unknown, to be reported": "60000004",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, listen := listening(t)
				u := newNetwork(t).start(listen)
				m.in <- datagram{unhex(t, payload), netip.MustParseAddrPort("192.0.2.66:3863")}
				synctest.Wait()
				if s := u.Stats(); s.AnnouncementsDropped != 1 || len(u.Servers()) != 0 {
					t.Errorf("%d dropped, %d listed", s.AnnouncementsDropped, len(u.Servers()))
				}
			})
		})
	}
}
