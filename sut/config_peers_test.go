// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"strings"
	"testing"
	"time"
)

const peersConfig = `version: 1
name: a registrar that calls a peer
security: clear
address: 127.0.0.1
doors:
  - {protocol: enrp, transport: sctp-udp, port: 9901}
timers: {keep_alive: 2s}
peers:
  - PEER
`

func TestPeersOfTheSystemAreReadWithTheirPort(t *testing.T) {
	c, err := ParseConfig([]byte(strings.ReplaceAll(peersConfig, "PEER", "{transport: sctp-udp, address: 127.0.0.9}")))
	if err != nil {
		t.Fatal(err)
	}
	places, err := c.peers()
	if err != nil || len(places) != 1 || places[0].Addr.String() != "127.0.0.9:9901" || places[0].Secured {
		t.Errorf("places %+v, %v", places, err)
	}
	if times, err := c.timers(); err != nil || times.KeepAlive != 2*time.Second {
		t.Errorf("timers %+v, %v", times, err)
	}
	for _, row := range []struct{ peer, want string }{
		{"{transport: tcp, address: 127.0.0.9}", `peers[0].transport: is "tcp"`}, // ENRP has no TCP (RFC 5353)
		{"{transport: sctp-udp, address: nowhere}", "peers[0].address"},
	} {
		if _, err := ParseConfig([]byte(strings.ReplaceAll(peersConfig, "PEER", row.peer))); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.peer, err, row.want)
		}
	}
}
