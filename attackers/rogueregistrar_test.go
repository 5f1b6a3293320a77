// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// visitor comes to a rogue registrar with config, nil for in clear.
func visitor(ctx context.Context, t *testing.T, r *RogueRegistrar, config *tlspsk.Config) (*script.Node, error) {
	t.Helper()
	door := r.Doors()[0]
	door.Secured = config != nil
	n, err := script.Open(ctx, script.Options{Name: "pe", Peer: "registrar", Door: door, Local: host(), TLS: config, Wire: wire.Strict(), Recorder: &evidence{}})
	if err == nil {
		t.Cleanup(n.Abort)
	}
	return n, err
}

// anyone is what a client verifies that does not care who answers.
func anyone() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // a node that falls for it
}

func stand(t *testing.T, pose Pose, tr association.Transport) (context.Context, *RogueRegistrar) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	where, _ := site(t, brief)
	r, err := where.Stand(ctx, pose, "EchoPool", script.Door{Protocol: wire.ASAP, Transport: tr, Addr: netip.AddrPortFrom(host(), 3864)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return ctx, r
}

// TestRogueRegistrarGrantsWhatItIsAskedFor to those who believe it, whatever it poses with.
func TestRogueRegistrarGrantsWhatItIsAskedFor(t *testing.T) {
	own, err := SelfSigned("registrar.example")
	if err != nil {
		t.Fatal(err)
	}
	guess := bytes.Repeat([]byte{7}, 32)
	for _, row := range []struct {
		pose   Pose
		config *tlspsk.Config
		first  byte // RFC 8446 section 5.1: a handshake; RFC 5354: a registration
	}{
		{PoseInClear(), nil, wire.TypeRegistration},
		{PoseWithKey("a guess", guess), &tlspsk.Config{PSKIdentity: alice, PSKKey: guess}, 0x16},
		{PoseWithIdentity(), &tlspsk.Config{PSKIdentity: alice, PSKKey: []byte("pe-alicepe-alicepe-alicepe-alice")}, 0x16},
		{PoseWithCertificate(own), &tlspsk.Config{Certificates: anyone()}, 0x16},
	} {
		for _, tr := range []association.Transport{association.TCP, association.SCTPUDP} {
			t.Run(row.pose.What+" "+string(tr), func(t *testing.T) {
				ctx, r := stand(t, row.pose, tr)
				config := row.config
				if config != nil {
					config = config.Clone()
				}
				n, err := visitor(ctx, t, r, config)
				if err != nil {
					t.Fatal(err)
				}
				m, err := n.Await(ctx, func(m wire.Message) bool { return m.Type() == wire.TypeEndpointKeepAlive })
				if k, ok := m.(*wire.EndpointKeepAlive); err != nil || !ok || !k.NewHome || k.Server != RogueServer {
					t.Errorf("greeted with %+v, %v", m, err)
				}
				if _, err := n.Request(ctx, registration(), Accepts); err != nil {
					t.Error(err)
				}
				if err := r.Settle(ctx, 5); err != nil { // who has told it something need not come again
					t.Error(err)
				}
				heard, first := r.Heard(), r.Openings()
				if len(heard) != 1 || !isRegistration(heard[0]) || len(first) != 1 || first[0][0] != row.first {
					t.Errorf("heard %+v, openings %x", heard, first)
				}
			})
		}
	}
}

// TestRogueRegistrarWaitsForThoseWhoRefuseIt, as often as it is told.
func TestRogueRegistrarWaitsForThoseWhoRefuseIt(t *testing.T) {
	ctx, r := stand(t, PoseWithIdentity(), association.SCTPUDP)
	settled := make(chan error, 1)
	go func() { settled <- r.Settle(ctx, 2) }()
	for range 2 {
		select {
		case err := <-settled:
			t.Fatalf("settled too early: %v", err)
		default:
		}
		if _, err := visitor(ctx, t, r, &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}); err == nil {
			t.Fatal("a rogue registrar knows the key")
		}
	}
	if err := <-settled; err != nil {
		t.Error(err)
	}
	if len(r.Heard()) != 0 {
		t.Errorf("heard %+v", r.Heard())
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.Settle(ended, 3); err == nil {
		t.Error("settled without anybody")
	}
}

// TestRogueRegistrarTellsWhoLeftBeforeItAnswered: they have not seen how it poses.
func TestRogueRegistrarTellsWhoLeftBeforeItAnswered(t *testing.T) {
	ctx, r := stand(t, PoseWithKey("a key", bytes.Repeat([]byte{7}, 32)), association.TCP)
	const handshake = 22 // the content type of RFC 8446 section 5.1
	come := func(octets ...byte) net.Conn {
		t.Helper()
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", r.Doors()[0].Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(octets); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for n := range 2 { // each leaves in the middle of a record
		c := come(handshake)
		c.Close()
		if err := r.AwaitAttempt(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-r.Answered():
		t.Error("it has answered nobody yet")
	default:
	}
	c := come(handshake, 3, 3, 0, 4, 99, 0, 0, 0) // a message that no handshake has: it gets an alert
	defer c.Close()
	select {
	case <-r.Answered():
	case <-ctx.Done():
		t.Fatal("it does not answer")
	}
	if n := r.Missed(); n != 2 {
		t.Errorf("%d left before it answered", n)
	}
}
