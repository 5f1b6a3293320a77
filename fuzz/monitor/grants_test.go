// SPDX-License-Identifier: Apache-2.0

package monitor_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestWhatAStreamMayHaveGranted: a registration is one however the octets after it break the stream,
// and nobody may wait for the answer then.
func TestWhatAStreamMayHaveGranted(t *testing.T) {
	registration, err := wire.Encode(&wire.Registration{PoolHandle: wire.PoolHandle("EchoPool"), Element: wire.PoolElement{
		ID: 7, Life: wire.LifeInfinite, Policy: wire.Policy{Type: wire.RoundRobin},
		User: wire.Transport{Kind: wire.TransportSCTP, Port: 7, Addrs: []netip.Addr{conversation.OwnAddress(false)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	granted := []monitor.Grant{{Pool: "EchoPool", ID: 7}}
	long := slices.Clone(registration)
	long[3] += 4 // its last four octets are those of what follows
	j := &monitor.Judge{Secured: true, Pool: "EchoPool", Wire: wire.Strict()}
	for name, row := range map[string]struct {
		transport association.Transport
		says      [][]byte
		want      []monitor.Grant
	}{
		"as it should be":        {association.TCP, [][]byte{registration}, granted},
		"with an octet after it": {association.TCP, [][]byte{append(slices.Clone(registration), 2)}, granted},
		"in the middle":          {association.TCP, [][]byte{append([]byte{5, 0, 0, 4}, registration...)}, granted},
		"begun before":           {association.TCP, [][]byte{registration[:24], registration[24:]}, granted},
		"longer than it is":      {association.TCP, [][]byte{long}, nil},
		"without a length":       {association.TCP, [][]byte{{1, 0, 0, 0}, registration}, nil},
	} {
		e := &link.Exchange{
			Caller: conversation.Caller{Protocol: wire.ASAP, Transport: row.transport, Secured: true, As: conversation.AsElement},
			Result: link.Result{Unasked: true},
		}
		e.Address.Address = netip.MustParseAddr("127.0.0.1")
		for _, b := range row.says {
			e.Payloads = append(e.Payloads, link.Payload{Octets: b})
		}
		if got := j.Grants(e); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}
