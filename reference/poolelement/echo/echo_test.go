// SPDX-License-Identifier: Apache-2.0

package echo_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/poolelement/echo"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// TestEchoSendsBackWhatComes, to each user its own and behind a business card, and leaves nobody
// behind when it is closed with users connected.
func TestEchoSendsBackWhatComes(t *testing.T) {
	const transport = association.SCTPUDP
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	at := netip.AddrFrom4([4]byte{127, 255, 0, 1})
	e := echo.New(slog.New(slog.DiscardHandler))
	where, err := e.Listen(ctx, echo.Door{Transport: transport, Addr: netip.AddrPortFrom(at, 7777)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	pools := []poolelement.Pool{{Handle: wire.PoolHandle("EchoPool"), ID: 1, User: where, Policy: wire.Policy{Type: wire.RoundRobin}}}
	nobody := poolelement.Registrar{Transport: association.SCTPUDP, Addr: netip.AddrPortFrom(at.Next(), wire.PortASAP)}
	element, err := poolelement.Start(ctx, poolelement.Config{Mode: poolelement.Insecure, Local: at, Registrars: []poolelement.Registrar{nobody}, Pools: pools})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = element.Close(ctx) }() // it is not registered anywhere
	e.Serve(element, pools)
	for user := range 2 {
		d := association.Dialer{Transport: transport, Local: netip.AddrFrom4([4]byte{127, 255, 0, byte(3 + user)})}
		a, err := d.Dial(ctx, netip.AddrPortFrom(where.Addrs[0], where.Port))
		if err != nil {
			t.Fatal(err)
		}
		defer a.Abort("end of the test")
		said := bytes.Repeat([]byte{byte('a' + user)}, 8+user)
		if err := a.Send(ctx, association.Message{Payload: said}); err != nil {
			t.Fatal(err)
		}
		card, err := a.Receive(ctx)
		if err != nil || card.Payload[0] != wire.TypeBusinessCard {
			t.Errorf("user %d: %q, %v, want a business card", user, card.Payload, err)
		}
		m, err := a.Receive(ctx)
		if err != nil || !bytes.Equal(m.Payload, said) {
			t.Errorf("user %d: %q, %v", user, m.Payload, err)
		}
	}
}
