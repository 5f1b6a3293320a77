// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestSummaryNamesTheFieldsThatAreSet(t *testing.T) {
	element := wire.PoolElement{
		ID: 0x12345678, Life: 30, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: 4711, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
	}
	for _, row := range []struct {
		message wire.Message
		want    []string
		without string
	}{
		{&wire.Registration{PoolHandle: []byte("EchoPool"), Element: element}, []string{"PoolHandle EchoPool", "ID 0x12345678", "Life 30", "Port 4711", "[10.0.0.1]"}, "Home"},
		{&wire.RegistrationResponse{Reject: true, PoolHandle: []byte("EchoPool"), PEID: 7, Causes: []wire.Cause{{Code: wire.CauseSecurity}}}, []string{"Reject true", "PEID 0x00000007", "Causes [", wire.CauseSecurity.String()}, "Element"},
		{&wire.RegistrationResponse{PoolHandle: []byte("EchoPool"), PEID: 7}, []string{"PEID 0x00000007"}, "Reject"},
		{&wire.InitTakeover{Sender: 1, Target: 2}, []string{"Sender 0x00000001", "Target 0x00000002"}, "Receiver"},
		{&wire.Cookie{Value: []byte{0xca, 0xfe}}, []string{"Value cafe"}, ","},
	} {
		got := summarise(row.message)
		for _, want := range row.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q does not tell %q", row.message.Name(), got, want)
			}
		}
		if strings.Contains(got, row.without) {
			t.Errorf("%s: %q tells %q, which is not set", row.message.Name(), got, row.without)
		}
	}
}

// TestSummaryIsAShortLineWhateverTheMessageHolds: handles and opaque values are the
// attacker's choice.
func TestSummaryIsAShortLineWhateverTheMessageHolds(t *testing.T) {
	for _, p := range []wire.Protocol{wire.ASAP, wire.ENRP} {
		for _, typ := range wire.MessageTypes(p) {
			m, err := wire.New(p, typ)
			if err != nil {
				t.Fatal(err)
			}
			if got := summarise(m); got != "" {
				t.Errorf("an empty %s is summarised as %q", m.Name(), got)
			}
		}
	}
	many := make([]wire.PoolElement, 1000)
	for i := range many {
		many[i].ID = wire.PEID(i)
	}
	for _, m := range []wire.Message{
		&wire.Cookie{Value: make([]byte, 60_000)},
		&wire.HandleResolution{PoolHandle: []byte(strings.Repeat("\n\x00é", 500))},
		&wire.HandleResolutionResponse{PoolHandle: []byte("EchoPool"), Elements: many},
	} {
		got := summarise(m)
		if len(got) > maxSummary+len("...") || !strings.HasSuffix(got, "...") {
			t.Errorf("%s: %d bytes, ending %q", m.Name(), len(got), got[max(0, len(got)-10):])
		}
		if strings.ContainsAny(got, "\n\x00") || !utf8.ValidString(got) {
			t.Errorf("%s: not a line of text: %q", m.Name(), got)
		}
	}
}
