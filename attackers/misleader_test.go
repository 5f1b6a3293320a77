// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// bait is what a Misleader wants users to go to.
func bait() wire.PoolElement {
	pe := wire.PoolElement{
		ID: 0x66, Home: 1, Life: 300, Policy: wire.Policy{Type: wire.RoundRobin}, HasASAP: true,
		User: wire.Transport{Kind: wire.TransportTCP, Port: 7, Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.66")}},
	}
	pe.ASAP = wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortASAP, Addrs: pe.User.Addrs}
	return pe
}

func mislead(t *testing.T, secured bool) (*Misleader, script.Door) {
	t.Helper()
	at := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(254)), byte(rand.IntN(256)), 7})
	spec := MisleaderSpec{Element: bait(), Wire: wire.Strict()}
	spec.Door = script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: secured, Addr: netip.AddrPortFrom(at, 0)}
	if secured {
		forged, err := (&Forger{Addr: at, Root: newCA(t).root}).All()
		if err != nil {
			t.Fatal(err)
		}
		spec.Certificate = &forged[0].Certificate
	}
	m, err := Mislead(t.Context(), spec, "EchoPool")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m, m.Doors()[0]
}

// TestMisleaderSendsWhoBelievesItToItsElement and notices who does not.
func TestMisleaderSendsWhoBelievesItToItsElement(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, secured := range []bool{true, false} {
		m, door := mislead(t, secured)
		o := script.Options{Name: "pu", Peer: "registrar", Door: door, Wire: wire.Strict()}
		if secured {
			careful := o
			careful.TLS = &tlspsk.Config{Certificates: &tls.Config{RootCAs: newCA(t).pool(), ServerName: "registrar", MinVersion: tls.VersionTLS12}}
			if n, err := script.Open(ctx, careful); err == nil {
				n.Abort()
				t.Error("believed with a certificate of its own")
			}
			if came, err := m.Over(ctx, 0); err != nil || !strings.Contains(came, "refuses") || m.Asked() != 0 {
				t.Errorf("%q, %v, asked %d times", came, err, m.Asked())
			}
			o.TLS = &tlspsk.Config{Certificates: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // who believes everything
		}
		known := m.Attempts()
		n, err := script.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := n.Request(ctx, &wire.HandleResolution{PoolHandle: wire.PoolHandle("EchoPool")}, func(wire.Message) bool { return true })
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := answer.(*wire.HandleResolutionResponse); !ok || len(r.Elements) != 1 || r.Elements[0].ID != bait().ID {
			t.Errorf("answer: %+v", answer)
		}
		if came, err := m.Over(ctx, known); err != nil || !strings.Contains(came, "asks") || m.Asked() != 1 {
			t.Errorf("%q, %v, asked %d times", came, err, m.Asked())
		}
		n.Abort()
	}
}

// TestMisleaderNoticesWhoLeaves without a question, as a user does that looks at the
// certificate after the handshake.
func TestMisleaderNoticesWhoLeaves(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	m, door := mislead(t, false)
	n, err := script.Open(ctx, script.Options{Name: "pu", Peer: "registrar", Door: door, Wire: wire.Strict()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Await(ctx, func(wire.Message) bool { return true }); err != nil {
		t.Fatal(err)
	}
	n.Close(ctx)
	if came, err := m.Over(ctx, 0); err != nil || !strings.Contains(came, "leaves") {
		t.Errorf("%q, %v", came, err)
	}
}
