//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// Of the messages of rsplib's PingPong service: type, flags, length, the number of the ping, and in a pong the number of
// the pong, which the service counts and leaves with its user in a cookie.
const (
	pingPongPPID   = 33
	typePing       = 1
	typePong       = 2
	pingLength     = 12
	pongLength     = 20
	pingsBeforeEnd = 3
)

// Our user keeps the cookie of rsplib's PingPong service and gives it to the next element, which goes on counting.
func TestOurUserEchoesRsplibCookies(t *testing.T) {
	b := newBed(t)
	const first, second wire.PEID = 0x11111111, 0x22222222
	b.rspregistrar(firstRegistrar, smallID)
	elements := make(map[wire.PEID]*guest.Process)
	for i, id := range []wire.PEID{first, second} {
		elements[id] = b.spawn("rspserver", "-pingpong", "-poolhandle="+pool, fmt.Sprintf("-identifier=0x%08x", uint32(id)),
			"-local="+at(addr(firstElement+i), 0).String(), "-registrar="+at(addr(firstRegistrar), guest.ASAPPort).String(),
			"-asapannounce=off", "-logcolor=off", "-loglevel=6")
	}
	u := b.user(hosts(addr(firstRegistrar)), func(c *pooluser.Config) { c.Elements.DataPPID = pingPongPPID })
	b.await("both elements are registered", func() bool { return b.resolved(u, first, second) })
	s := newTestSession(b, u)
	var by wire.PEID
	for n := range uint64(pingsBeforeEnd) {
		count := uint64(0)
		if count, by = b.ping(s, n+1); count != n+1 {
			t.Fatalf("pong %d to ping %d", count, n+1)
		}
	}
	if err := elements[by].Kill(); err != nil {
		t.Fatal(err)
	}
	count, other := b.ping(s, pingsBeforeEnd+1)
	if other == by || count != pingsBeforeEnd+1 {
		t.Errorf("after the failover from %s to %s it is pong %d, want %d", by, other, count, pingsBeforeEnd+1)
	}
}

// ping sends a ping, and returns the number of the pong and who sent it.
func (b *bed) ping(s *pooluser.Session, n uint64) (uint64, wire.PEID) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, soon)
	defer cancel()
	m := binary.BigEndian.AppendUint64([]byte{typePing, 0, 0, pingLength}, n)
	if err := s.Send(ctx, m); err != nil {
		b.Fatal(err)
	}
	got, err := s.Receive(ctx)
	if err != nil || len(got.Data) < pongLength || got.Data[0] != typePong || binary.BigEndian.Uint64(got.Data[4:]) != n {
		b.Fatalf("pong to %d: %x, %v", n, got.Data, err)
	}
	return binary.BigEndian.Uint64(got.Data[12:]), got.Element
}
