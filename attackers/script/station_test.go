// SPDX-License-Identifier: Apache-2.0

package script_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// sharedKey is the only key that the stations of these tests know.
var sharedKey = bytes.Repeat([]byte{7}, 32)

// station opens one with a secured door for each transport and one in clear.
func station(t *testing.T, change ...func(*script.StationOptions)) (context.Context, *script.Station, *evidence) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	e := &evidence{}
	o := script.StationOptions{
		Name: "registrar", Peer: "pe", Wire: wire.Strict(), Recorder: e,
		TLS: &tlspsk.Config{Lookup: func(identity string) []byte {
			if identity == "pe-alice" {
				return bytes.Clone(sharedKey)
			}
			return nil
		}},
	}
	for _, f := range change {
		f(&o)
	}
	at := netip.AddrPortFrom(host(), 0)
	s, err := script.Listen(ctx, o,
		script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: at},
		script.Door{Protocol: wire.ASAP, Transport: association.SCTPUDP, Secured: true, Addr: at},
		script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return ctx, s, e
}

func come(ctx context.Context, t *testing.T, door script.Door, key []byte) (*script.Node, error) {
	t.Helper()
	o := script.Options{Name: "pe", Peer: "registrar", Door: door, Local: host(), Wire: wire.Strict(), Recorder: &evidence{}}
	if door.Secured {
		o.TLS = &tlspsk.Config{PSKIdentity: "pe-alice", PSKKey: key}
	}
	n, err := script.Open(ctx, o)
	if err == nil {
		t.Cleanup(n.Abort)
	}
	return n, err
}

// TestStationSpeaksWithWhoeverComes through each of its doors, and tells who came.
func TestStationSpeaksWithWhoeverComes(t *testing.T) {
	opened := make(chan *script.Node, 8)
	ctx, s, e := station(t, func(o *script.StationOptions) {
		o.OnOpen = func(n *script.Node) { opened <- n }
	})
	for known, door := range s.Doors() {
		if door.Addr.Port() == 0 {
			t.Fatalf("door %s has no port", door)
		}
		n, err := come(ctx, t, door, sharedKey)
		if err != nil {
			t.Fatal(err)
		}
		far, err := s.AwaitNode(ctx, known)
		if err != nil {
			t.Fatal(err)
		}
		if far != <-opened || far.Door() != door || far.Info().Secured != door.Secured {
			t.Errorf("came through %s: %+v", far.Door(), far.Info())
		}
		if err := n.Send(ctx, cookie("hello...")); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Await(ctx, is("hello...")); err != nil {
			t.Error(err)
		}
		if err := far.Send(ctx, cookie("and back")); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Await(ctx, is("and back")); err != nil {
			t.Error(err)
		}
	}
	if n := len(s.Nodes()); n != 3 || s.Attempts() != 3 || len(s.Refused()) != 0 {
		t.Errorf("%d associations, %d attempts, refused: %v", n, s.Attempts(), s.Refused())
	}
	if events := e.all(); len(events) != 6 || events[0].From != "pe" || events[1].From != "registrar" {
		t.Errorf("recorded: %+v", events)
	}
}

// TestStationTellsOfThoseWhoWereNotAdmitted, by which an attack that was refused is told
// from one that was never made.
func TestStationTellsOfThoseWhoWereNotAdmitted(t *testing.T) {
	ctx, s, _ := station(t)
	wrong := bytes.Repeat([]byte{8}, 32)
	for known, door := range s.Doors()[:2] {
		came := make(chan error, 1)
		go func() { came <- s.AwaitAttempt(ctx, known) }()
		if n, err := come(ctx, t, door, wrong); err == nil {
			// In TLS 1.3 a client learns only behind the handshake that it was refused.
			if _, err := n.Await(ctx, is("nothing.")); !errors.Is(err, script.ErrEnded) {
				t.Errorf("a wrong key at %s: %v", door, err)
			}
		}
		r, err := s.AwaitRefusal(ctx, known)
		if err != nil {
			t.Fatal(err)
		}
		var alert *tlspsk.AlertError
		if r.Door != door || !r.Remote.IsValid() || r.Time.IsZero() || !errors.As(r.Err, &alert) {
			t.Errorf("refusal %+v", r)
		}
		if err := <-came; err != nil {
			t.Error(err)
		}
	}
	if len(s.Nodes()) != 0 || s.Attempts() != 2 {
		t.Errorf("%d associations, %d attempts", len(s.Nodes()), s.Attempts())
	}
	// Who waits for somebody that does not come is ended by the context.
	brief, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.AwaitNode(brief, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestCloseEndsEverythingAtOnce: the far ends notice, and the address can be used again.
func TestCloseEndsEverythingAtOnce(t *testing.T) {
	ctx, s, _ := station(t)
	var nodes []*script.Node
	for _, door := range s.Doors() {
		n, err := come(ctx, t, door, sharedKey)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	if _, err := s.AwaitNode(ctx, len(nodes)-1); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, n := range nodes {
		if _, err := n.Await(ctx, is("nothing.")); !errors.Is(err, script.ErrEnded) {
			t.Errorf("error %v", err)
		}
	}
	again, err := script.Listen(ctx, script.StationOptions{Name: "rogue", Wire: wire.Strict(), TLS: &tlspsk.Config{Lookup: func(string) []byte { return nil }}}, s.Doors()...)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	// A door that cannot be had leaves nothing behind.
	taken := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:3863")}
	if _, err := script.Listen(ctx, script.StationOptions{Name: "rogue"}, s.Doors()[2], taken); err == nil {
		t.Error("an address of somebody else can be listened at")
	}
}
