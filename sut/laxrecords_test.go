// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// laxPair is a client with a lax record layer, nil for a sound one, and a server with an
// attacker on its path.
func laxPair(t *testing.T, tr association.Transport, how *laxity, position func(net.Conn) net.Conn) (ctx context.Context, client association.Association, server *script.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	key := bytes.Repeat([]byte{3}, 32)
	at := netip.AddrPortFrom(randomLoopback(), 0)
	s, err := script.Listen(ctx, script.StationOptions{
		Name: "registrar", Peer: "pe", Wire: wire.Strict(), Wrap: position, TLS: &tlspsk.Config{Lookup: func(string) []byte { return bytes.Clone(key) }},
	}, script.Door{Protocol: wire.ASAP, Transport: tr, Secured: true, Addr: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	d := association.Dialer{Transport: tr, PPID: wire.PPIDASAP, TLS: &tlspsk.Config{PSKIdentity: "pe-alice", PSKKey: key}}
	if how != nil {
		d.Wrap = lax(d.TLS, *how)
	}
	if client, err = d.Dial(ctx, s.Doors()[0].Addr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Abort("end of test") })
	if server, err = s.AwaitNode(ctx, 0); err != nil {
		t.Fatal(err)
	}
	return ctx, client, server
}

func keepAlive(server wire.ServerID) *wire.EndpointKeepAlive {
	return &wire.EndpointKeepAlive{Server: server, PoolHandle: []byte("EchoPool")}
}

// hear returns the server ID in the next keep-alive.
func hear(ctx context.Context, client association.Association) (wire.ServerID, error) {
	m, err := client.Receive(ctx)
	if err != nil {
		return 0, err
	}
	message, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if err != nil {
		return 0, err
	}
	return message.(*wire.EndpointKeepAlive).Server, nil
}

// TestLaxIntegrityTakesWhatWasChanged, and a sound record layer does not.
func TestLaxIntegrityTakesWhatWasChanged(t *testing.T) {
	for _, tr := range []association.Transport{association.TCP, association.SCTPUDP} {
		for _, how := range []*laxity{nil, new(laxity)} { // laxIntegrity is the zero value
			tamperer := &attackers.Tamperer{}
			ctx, client, server := laxPair(t, tr, how, tamperer.Position)
			if err := server.Send(ctx, keepAlive(0x10)); err != nil {
				t.Fatal(err)
			}
			if id, err := hear(ctx, client); err != nil || id != 0x10 {
				t.Fatalf("%s: server %s, %v", tr, id, err)
			}
			tamperer.Tamper(attackers.Sent, attackers.Flip([]byte{0, 0, 0, 0x20}, wire.HeaderLength, 0))
			for _, id := range []wire.ServerID{0x20, 0x30} {
				if err := server.Send(ctx, keepAlive(id)); err != nil {
					break // a sound client has ended it
				}
			}
			id, err := hear(ctx, client)
			if how == nil {
				if err == nil {
					t.Errorf("%s: TLS takes a changed record for server %s", tr, id)
				}
				continue
			}
			if err != nil || id != 0x21 {
				t.Errorf("%s: server %s, %v; want the one with a bit flipped", tr, id, err)
			}
			if id, err := hear(ctx, client); err != nil || id != 0x30 {
				t.Errorf("%s: behind it server %s, %v", tr, id, err)
			}
		}
	}
}

// recording keeps what is written to a connection.
type recording struct {
	net.Conn
	mu     sync.Mutex
	pieces [][]byte
}

func (r *recording) Write(b []byte) (int, error) {
	r.mu.Lock()
	r.pieces = append(r.pieces, bytes.Clone(b))
	r.mu.Unlock()
	return r.Conn.Write(b)
}

func (r *recording) last() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pieces[len(r.pieces)-1]
}

// TestLaxReplayTakesWhatCameBefore, except the last record at once.
func TestLaxReplayTakesWhatCameBefore(t *testing.T) {
	how := laxReplay
	for _, tr := range []association.Transport{association.TCP, association.SCTPUDP} {
		var path *recording
		ctx, client, server := laxPair(t, tr, &how, func(raw net.Conn) net.Conn {
			path = &recording{Conn: raw}
			return path
		})
		say := func(id wire.ServerID) []byte {
			t.Helper()
			if err := server.Send(ctx, keepAlive(id)); err != nil {
				t.Fatal(err)
			}
			if heard, err := hear(ctx, client); err != nil || heard != id {
				t.Fatalf("%s: server %s, %v; want %s", tr, heard, err, id)
			}
			return path.last()
		}
		first, second := say(1), say(2)
		for _, piece := range [][]byte{second, first} { // the last one again is lost, the one before is taken
			if _, err := path.Conn.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if id, err := hear(ctx, client); err != nil || id != 1 {
			t.Errorf("%s: replayed server %s, %v", tr, id, err)
		}
		say(3)
		brief, cancel := context.WithTimeout(ctx, time.Millisecond)
		if _, err := hear(brief, client); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: there is more: %v", tr, err)
		}
		cancel()
	}
}
