// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// channel is the client channel in memory.
type channel struct {
	in   chan []byte
	sent chan wire.Message
}

func (c *channel) Send(_ context.Context, b []byte, _ netip.AddrPort) error {
	m, err := wire.Decode(wire.ASAP, b, nil)
	if err != nil {
		return err
	}
	c.sent <- m
	return nil
}

func (c *channel) Receive(ctx context.Context) ([]byte, netip.AddrPort, error) {
	select {
	case b := <-c.in:
		return b, netip.AddrPort{}, nil
	case <-ctx.Done():
		return nil, netip.AddrPort{}, ctx.Err()
	}
}

func (c *channel) Close() error { return nil }

func (c *channel) announce(t *testing.T, id wire.ServerID) {
	t.Helper()
	b, err := wire.Encode(&wire.ServerAnnounce{Server: id})
	if err != nil {
		t.Fatal(err)
	}
	c.in <- b
	synctest.Wait()
}

// next returns how long the next announcement takes, and the announcement.
func (c *channel) next() (time.Duration, *wire.ServerAnnounce) {
	begun := time.Now()
	m := <-c.sent
	a, _ := m.(*wire.ServerAnnounce)
	return time.Since(begun), a
}

func announcing(t *testing.T, f func(t *testing.T, c *channel)) {
	t.Helper()
	c := &channel{}
	at := func(d registrar.Door) registrar.Door {
		d.Addr = netip.MustParseAddrPort("192.0.2.100:3864")
		return d
	}
	in(t, func(cfg *registrar.Config) {
		c.in, c.sent = make(chan []byte, 100), make(chan wire.Message, 1000)
		cfg.Announcements = &registrar.Announcements{Group: netip.MustParseAddrPort("224.0.1.185:3863"), Datagrams: c}
		cfg.Doors = []registrar.Door{
			at(registrar.Door{Protocol: wire.ASAP, Transport: association.SCTP, Secured: true}),
			at(registrar.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true}),
			at(registrar.Door{Protocol: wire.ASAP, Transport: association.TCP}), // is there to refuse
			at(registrar.Door{Protocol: wire.ENRP, Transport: association.SCTP, Secured: true}),
		}
	}, func(t *testing.T, _ *registrar.Registrar) { f(t, c) })
}

// TestAnnouncementsComeEverySecondForAllServersTogether: (N+1)*T6 (RFC 5352 section 3.6).
func TestAnnouncementsComeEverySecondForAllServersTogether(t *testing.T) {
	announcing(t, func(t *testing.T, c *channel) {
		wait, a := c.next()
		if wait != time.Second || a == nil || a.Server != serverID || len(a.Transports) != 2 {
			t.Fatalf("%+v after %s, want one of the two doors that serve after 1 s", a, wait)
		}
		for _, other := range []wire.ServerID{2, 3, 3, serverID} { // our own comes back from the group
			c.announce(t, other)
		}
		c.next() // this wait has begun before
		if wait, _ := c.next(); wait != 3*time.Second {
			t.Fatalf("with two others after %s, want 3 s", wait)
		}
		time.Sleep(time.Minute) // the others are out of date
		for len(c.sent) > 0 {
			<-c.sent
		}
		c.next()
		if wait, _ := c.next(); wait != time.Second {
			t.Fatalf("alone again after %s, want 1 s", wait)
		}
	})
}

// TestAnnouncementsOfOthersDoNotSilenceUs: anybody can send them (draft section 2.12).
func TestAnnouncementsOfOthersDoNotSilenceUs(t *testing.T) {
	announcing(t, func(t *testing.T, c *channel) {
		for id := range wire.ServerID(10_000) {
			c.announce(t, id+0x100)
		}
		c.in <- []byte("no message")
		c.next()
		limit := time.Duration(registrar.DefaultLimits().MaxAnnounced+1) * time.Second
		if wait, _ := c.next(); wait != limit {
			t.Fatalf("after %s, want %s", wait, limit)
		}
	})
}
