// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestTaperPlaysWhatWasSaidBefore, in clear, where everybody believes it: in the same
// association, and to who comes anew.
func TestTaperPlaysWhatWasSaidBefore(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var taper Taper
	if taper.Latest() != nil || taper.Inject(Tape{{1}}) == nil {
		t.Error("there is something to play before anybody came")
	}
	answers := make(chan wire.PEID, 3)
	s, err := script.Listen(ctx, script.StationOptions{
		Name: "registrar", Peer: "pu", Wire: wire.Strict(), Wrap: taper.Position,
		OnMessage: func(n *script.Node, m wire.Message) bool {
			pe := bait()
			pe.ID = <-answers
			_ = n.Send(ctx, &wire.HandleResolutionResponse{
				PoolHandle: m.(*wire.HandleResolution).PoolHandle, Policy: pe.Policy, HasPolicy: true, Elements: []wire.PoolElement{pe},
			})
			return true
		},
	}, script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.AddrPortFrom(host(), 0)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	open := func() *script.Node {
		n, err := script.Open(ctx, script.Options{Name: "pu", Peer: "registrar", Door: s.Doors()[0], Wire: wire.Strict()})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	any := func(wire.Message) bool { return true }
	ask := func(n *script.Node, want wire.PEID) {
		t.Helper()
		m, err := n.Request(ctx, &wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")}, any)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.(*wire.HandleResolutionResponse).Elements[0].ID; got != want {
			t.Errorf("element %s, want %s", got, want)
		}
	}
	answers <- 1
	answers <- 2
	n := open()
	defer n.Abort()
	ask(n, 1)
	tape := taper.Latest()
	ask(n, 2)
	if len(tape) != 1 {
		t.Fatalf("%d pieces recorded, want 1", len(tape))
	}
	if err := taper.Inject(tape); err != nil {
		t.Fatal(err)
	}
	if m, err := n.Await(ctx, any); err != nil || m.(*wire.HandleResolutionResponse).Elements[0].ID != 1 {
		t.Errorf("in the same association: %+v, %v", m, err)
	}
	taper.Play(tape)
	answers <- 3
	anew := open()
	defer anew.Abort()
	ask(anew, 1)
	if injected, played := taper.Replayed(); injected != 1 || played != 1 {
		t.Errorf("%d pieces injected and %d played, want 1 and 1", injected, played)
	}
}
