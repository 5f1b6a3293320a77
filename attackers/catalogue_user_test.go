// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestMisleaderWorksByItself: it tells who believed it, and that nobody came if so.
func TestMisleaderWorksByItself(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, comes := range []bool{true, false} {
		at := host()
		listening, said := make(chan struct{}), []string(nil)
		door := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: netip.AddrPortFrom(at, 3864)}
		o := &Order{
			Site: Site{Doors: []script.Door{door}, Local: func() netip.Addr { return at }, Wire: wire.Strict()},
			Pool: "EchoPool", Listen: door.Addr, For: 10 * brief,
			Say: func(line string) {
				if said = append(said, line); len(said) == 1 {
					close(listening)
				}
			},
		}
		if !comes {
			o.For = brief
		}
		ended := make(chan error, 1)
		attacking, end := context.WithCancel(ctx)
		go func() { ended <- runMisleader(attacking, o) }()
		select {
		case <-listening:
		case err := <-ended:
			t.Fatal(err)
		}
		if comes {
			n, err := script.Open(ctx, script.Options{Name: "pu", Peer: "registrar", Door: door, Wire: wire.Strict(), TLS: &tlspsk.Config{
				Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // who believes everything
			}})
			if err != nil {
				t.Fatal(err)
			}
			m, err := n.Request(ctx, &wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")}, func(wire.Message) bool { return true })
			if r, ok := m.(*wire.HandleResolutionResponse); err != nil || !ok || len(r.Elements) != 1 || r.Elements[0].User.Addrs[0] != at {
				t.Errorf("answer %+v, %v", m, err)
			}
			n.Abort()
		}
		err := <-ended
		end()
		if comes && (err != nil || !strings.Contains(strings.Join(said, "; "), "asks for the pool")) || !comes && !errors.Is(err, ErrNotMade) {
			t.Errorf("%v; it said %q", err, said)
		}
	}
	if err := runMisleader(ctx, &Order{Pool: "EchoPool"}); !errors.Is(err, ErrOrder) {
		t.Errorf("without --listen: %v", err)
	}
}
