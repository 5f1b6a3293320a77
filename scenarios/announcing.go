// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// announcementGroup is drawn for each run of a check, and not from its seed: what one run
// hears is none of the others' business, those of other processes on this host included. It
// is in the administratively scoped block (RFC 2365).
func announcementGroup() netip.AddrPort {
	n := rand.Uint32()
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 192 | byte(n>>16)&3, byte(n >> 8), byte(n)}), wire.PortASAP)
}

// announcement names a registrar at p.
func announcement(server wire.ServerID, p sut.Place) *wire.ServerAnnounce {
	t := wire.Transport{Kind: wire.TransportTCP, Port: p.Addr.Port(), Addrs: []netip.Addr{p.Addr.Addr()}}
	if p.Transport.IsSCTP() {
		t.Kind = wire.TransportSCTP
	}
	return &wire.ServerAnnounce{Server: server, Transports: []wire.Transport{t}}
}

// announcing repeats what send does until the returned function is called.
func announcing(ctx context.Context, send func(ctx context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(repeat)
		defer tick.Stop()
		for ctx.Err() == nil {
			send(ctx)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}
