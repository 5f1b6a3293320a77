// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/triage"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// cutting is a system that takes so many associations, and ends each when it begins to be spoken to.
func cutting(t *testing.T, associations int) (*link.System, conversation.Caller) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for range associations {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1))
			_ = c.Close()
		}
		_ = listener.Close()
	}()
	t.Cleanup(func() { _ = listener.Close(); <-over })
	return &link.System{
		Pool: "EchoPool", Wire: wire.Strict(), Response: 10 * time.Second,
		Doors: []sut.Door{{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.MustParseAddrPort(listener.Addr().String())}},
	}, conversation.Caller{Protocol: wire.ASAP, Transport: association.TCP, As: conversation.Nobody}
}

// TestWhatALostFlightMayHaveBeenGrantedIsAccepted: the association ends before any answer, so every
// registration of the flight may be one, whatever comes of it when it is sent again.
func TestWhatALostFlightMayHaveBeenGrantedIsAccepted(t *testing.T) {
	system, caller := cutting(t, 1)
	l := &lane{
		c: &Campaign{bed: &triage.Bed{Judge: monitor.NewJudge(system, 0)}}, led: true,
		block: &model.Block{Part: model.Part{Role: model.PE, Caller: caller}}, ends: map[endKey]*ending{}, coverage: Coverage{},
	}
	var err error
	if l.link, err = system.Open(t.Context(), caller, conversation.Values{}, nil); err != nil {
		t.Fatal(err)
	}
	defer l.drop()
	var cases []model.Case
	for id := range wire.PEID(3) {
		b, err := wire.Encode(&wire.Registration{PoolHandle: wire.PoolHandle("EchoPool"), Element: wire.PoolElement{
			ID: 7 + id, Life: 30, Policy: wire.Policy{Type: wire.RoundRobin},
			User: wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{conversation.OwnAddress(false)}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, model.Case{Says: []model.Message{{Payload: b}}})
	}
	if done, ended := l.exchange(t.Context(), cases, false); done != 0 || !ended {
		t.Fatalf("%d cases done, ended: %t", done, ended)
	}
	if len(l.granted) != len(cases) {
		t.Errorf("accepted: %v", l.granted)
	}
}

// TestCasesOfACutFlightStaySuspects: a system that is just dying takes one more association, over
// which the first case is sent again alone. Any of the others may have killed it.
func TestCasesOfACutFlightStaySuspects(t *testing.T) {
	system, caller := cutting(t, 2)
	watch := &monitor.Watch{}
	c := &Campaign{bed: &triage.Bed{System: system, Watch: watch, Judge: monitor.NewJudge(system, 0)}, limit: newLimiter(0, 1), world: system.World([]conversation.Caller{caller}), novel: map[uint64]bool{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &lane{
		c: c, led: true, round: &round{c: c, cancel: cancel}, ends: map[endKey]*ending{}, coverage: Coverage{},
		block: &model.Block{Part: model.Part{Role: model.PE, Caller: caller}, Machine: model.Machines()[0]},
	}
	c.lanes = []*lane{l}
	var cases []model.Case
	for n := range uint64(3) {
		b, err := wire.Encode(&wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")})
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, model.Case{ID: model.ID{Root: n}, Block: l.block, Says: []model.Message{{Payload: b}}})
	}
	l.fly(ctx, cases)
	lists := c.suspects(&sighting{})
	list := lists[len(lists)-1]
	seen := map[uint64]bool{}
	for _, id := range list {
		seen[id.Root] = true
	}
	if len(seen) != len(cases) {
		t.Errorf("%v are suspects of %d cases that were sent", list, len(cases))
	}
}
