// SPDX-License-Identifier: Apache-2.0

//go:build interop

package guest_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/sut/guest"
)

// Chunk types of RFC 9260 3.2, and the parameter with the cookie.
const (
	chunkInit       = 1
	chunkInitAck    = 2
	chunkCookieEcho = 10
	chunkCookieAck  = 11
	paramCookie     = 7
)

// packet is an SCTP packet from port 5000 to the registrar's with one chunk.
func packet(tag uint32, chunk byte, body []byte) []byte {
	p := binary.BigEndian.AppendUint16(nil, 5000)
	p = binary.BigEndian.AppendUint16(p, guest.ASAPPort)
	p = binary.BigEndian.AppendUint32(p, tag)
	p = append(p, 0, 0, 0, 0, chunk, 0)
	p = binary.BigEndian.AppendUint16(p, uint16(4+len(body)))
	p = append(p, body...)
	p = append(p, make([]byte, -len(p)&3)...)
	binary.LittleEndian.PutUint32(p[8:], crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	return p
}

// peer is an SCTP endpoint made by hand, for an association that does only what the test does.
type peer struct {
	t    *testing.T
	conn *net.IPConn
	to   netip.Addr
}

func newPeer(ctx context.Context, t *testing.T, from, to netip.Addr) *peer {
	t.Helper()
	conn, err := net.ListenIP("ip4:132", &net.IPAddr{IP: from.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		t.Fatal(err)
	}
	return &peer{t, conn, to}
}

// exchange sends a packet and gives the answer's first chunk, which must be of the wanted type.
func (p *peer) exchange(packet []byte, want byte) []byte {
	p.t.Helper()
	if _, err := p.conn.WriteToIP(packet, &net.IPAddr{IP: p.to.AsSlice()}); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, _, err := p.conn.ReadFromIP(b)
	if err != nil || n < 16 || b[12] != want {
		p.t.Fatalf("got %x, %v, want chunk type %d", b[:n], err, want)
	}
	return b[12:n]
}

// init gives the INIT ACK to an INIT: tag 1, window 65536, 1 stream each way, first TSN 1.
func (p *peer) init() []byte {
	p.t.Helper()
	return p.exchange(packet(0, chunkInit, []byte{0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1}), chunkInitAck)
}

// establish sets an association up; from then on the peer is silent.
func (p *peer) establish() {
	p.t.Helper()
	ack := p.init()
	tag := binary.BigEndian.Uint32(ack[4:])
	for params := ack[20:]; len(params) >= 4; {
		length := int(binary.BigEndian.Uint16(params[2:]))
		if binary.BigEndian.Uint16(params) == paramCookie {
			p.exchange(packet(tag, chunkCookieEcho, params[4:length]), chunkCookieAck)
			return
		}
		params = params[min((length+3)&^3, len(params)):]
	}
	p.t.Fatalf("INIT ACK without cookie: %x", ack)
}

func TestRegistrarIsReachedFromEveryAddressOfThisSide(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 1})
	first := g.Bindable().Addr()
	for _, from := range []netip.Addr{g.Host(), first, first.Next()} {
		newPeer(ctx, t, from, g.Addrs()[0]).init()
	}
}

// Frames once waited in the device for the next frame, now and then, for seconds.
func TestNoFrameIsStuck(t *testing.T) {
	const (
		exchanges = 2000
		stuck     = time.Second // an exchange takes 0.2 ms, and some 10 ms on a loaded machine
	)
	ctx, g := start(t, guest.Config{Registrars: 1})
	p := newPeer(ctx, t, g.Host(), g.Addrs()[0])
	began, slowest := time.Now(), time.Duration(0)
	for range exchanges {
		sent := time.Now()
		p.init()
		slowest = max(slowest, time.Since(sent))
	}
	t.Logf("%v for an exchange, %v at most", time.Since(began)/exchanges, slowest)
	if slowest > stuck {
		t.Errorf("an exchange took %v", slowest)
	}
}

func TestResetDespiteSilentPeers(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 1})
	for from := g.Bindable().Addr(); from.As4()[3] < 138; from = from.Next() {
		newPeer(ctx, t, from, g.Addrs()[0]).establish()
	}
	out, err := g.Exec(ctx, "cat", "/proc/net/sctp/assocs")
	if err != nil || strings.Count(out, "10.132.1.2") != 10 {
		t.Fatalf("associations: %v\n%s", err, out)
	}
	began := time.Now()
	if err := g.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("Reset took %v", time.Since(began))
	if took := time.Since(began); took > resetLimit {
		t.Errorf("Reset took %v, more than %v", took, resetLimit)
	}
	newPeer(ctx, t, g.Host(), g.Addrs()[0]).establish()
}

func TestNamespaceHasOnlyLoopbackAndTheGuest(t *testing.T) {
	_, g := start(t, guest.Config{})
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Name != "lo" && i.Name != g.Interface() {
			t.Errorf("interface %s: traffic could leave", i.Name)
		}
	}
}

func TestGuestsRunSideBySide(t *testing.T) {
	type result struct {
		g   *guest.Guest
		err error
	}
	img, results := image(t), make(chan result, 2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range cap(results) {
		go func() {
			g, err := img.Start(ctx, guest.Config{Registrars: 1})
			results <- result{g, err}
		}()
	}
	seen := make(map[netip.Addr]bool)
	for range cap(results) {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		defer func() {
			if err := r.g.Close(); err != nil {
				t.Error(err)
			}
		}()
		seen[r.g.Addrs()[0]] = true
		if names := pools(ctx, t, r.g, r.g.Addrs()[0]); names != nil {
			t.Errorf("%v has pools %q", r.g.Addrs(), names)
		}
		register(ctx, t, r.g, r.g.Addrs()[0], "Pool"+r.g.Interface())
	}
	if len(seen) != cap(results) {
		t.Errorf("addresses %v, want %d", seen, cap(results))
	}
}
