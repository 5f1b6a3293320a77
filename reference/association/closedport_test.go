// SPDX-License-Identifier: Apache-2.0

package association_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
)

// TestDialOfAClosedPortInUDPIsRefusedAtOnce: whoever has the UDP port has all SCTP ports in
// it, so that an INIT to one that nobody listens on is answered with ABORT (RFC 9260
// section 8.4) and nobody waits for a time-out.
func TestDialOfAClosedPortInUDPIsRefusedAtOnce(t *testing.T) {
	host := netip.MustParseAddr("127.41.7.1")
	stack, err := association.NewStack(association.StackConfig{Local: host, Transport: association.SCTPUDP})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	// The first INIT is repeated after a second; an answer comes long before.
	ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
	defer cancel()
	d := association.Dialer{Transport: association.SCTPUDP, Local: netip.MustParseAddr("127.41.7.2"), PPID: 11}
	if _, err := d.Dial(ctx, netip.AddrPortFrom(host, 3864)); err == nil || ctx.Err() != nil {
		t.Fatalf("dial: %v, context: %v; want a refusal at once", err, ctx.Err())
	}
}
