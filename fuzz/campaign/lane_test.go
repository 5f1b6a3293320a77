// SPDX-License-Identifier: Apache-2.0

package campaign

import (
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

// TestWhatALostFlightMayHaveBeenGrantedIsAccepted: the association ends before any answer, so every
// registration of the flight may be one, whatever comes of it when it is sent again.
func TestWhatALostFlightMayHaveBeenGrantedIsAccepted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
	}()
	defer func() { _ = listener.Close(); <-over }()
	caller := conversation.Caller{Protocol: wire.ASAP, Transport: association.TCP, As: conversation.Nobody}
	system := &link.System{
		Pool: "EchoPool", Wire: wire.Strict(), Response: 10 * time.Second,
		Doors: []sut.Door{{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.MustParseAddrPort(listener.Addr().String())}},
	}
	l := &lane{
		c: &Campaign{bed: &triage.Bed{Judge: monitor.NewJudge(system, 0)}}, led: true,
		block: &model.Block{Part: model.Part{Role: model.PE, Caller: caller}}, ends: map[endKey]*ending{}, coverage: Coverage{},
	}
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
