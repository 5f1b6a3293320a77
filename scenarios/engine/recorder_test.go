// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
)

var (
	near = netip.MustParseAddrPort("[::ffff:127.0.0.2]:5000")
	far  = netip.MustParseAddrPort("127.0.0.1:3863")
)

func TestRecorderTellsWhoSentWhatInWhichStep(t *testing.T) {
	r := &recorder{}
	data := []byte("octets")
	r.Record(association.Record{Transport: association.TCP, Kind: association.RecordOpen, Local: near, Remote: far, Outbound: true})
	r.step.Store(2)
	r.Record(association.Record{Transport: association.TCP, Kind: association.RecordData, Local: near, Remote: far, Data: data})
	copy(data, "reused") // a Tap may only look during the call
	r.Record(association.Record{Transport: association.TCP, Kind: association.RecordReset, Local: near, Remote: far})
	if _, err := r.Write([]byte("CLIENT_RANDOM a b\n")); err != nil {
		t.Fatal(err)
	}
	c := r.capture()
	if len(c.Frames) != 3 || string(c.KeyLog) != "CLIENT_RANDOM a b\n" {
		t.Fatalf("capture %+v", c)
	}
	out, in := c.Frames[0], c.Frames[1]
	if out.Src.String() != "127.0.0.2:5000" || out.Dst != far || out.Kind != reports.FrameOpen || out.Comment != "step 1" {
		t.Errorf("outbound %+v", out)
	}
	if in.Src != far || string(in.Data) != "octets" || in.Kind != reports.FrameData || in.Comment != "step 3" {
		t.Errorf("inbound %+v", in)
	}
	if c.Frames[2].Kind != reports.FrameReset {
		t.Errorf("reset is %v", c.Frames[2].Kind)
	}
}

func TestRecorderSaysWhyAMessageIsMalformed(t *testing.T) {
	r := &recorder{}
	door := script.Door{Protocol: wire.ASAP, Transport: association.TCP, Secured: true}
	r.Message(script.Event{From: "attacker", To: "registrar", Door: door, Message: &wire.HandleResolution{PoolHandle: []byte("EchoPool")}, Payload: []byte{5, 0}})
	r.Message(script.Event{From: "registrar", To: "attacker", Door: door, Payload: []byte{0xff}, Err: errors.New("too short")})
	got, omitted := r.said()
	if len(got) != 2 || omitted != 0 {
		t.Fatalf("%+v, %d omitted", got, omitted)
	}
	if m := got[0]; m.Name != "ASAP_HANDLE_RESOLUTION" || m.Hex != "0500" || !m.Secured || m.From != "attacker" || m.Summary != "PoolHandle EchoPool" {
		t.Errorf("message %+v", m)
	}
	if m := got[1]; m.Name != "malformed" || m.Summary != "too short" || m.Hex != "ff" {
		t.Errorf("malformed message %+v", m)
	}
}

// TestRecorderIsBounded: a system that floods the harness must not fill its memory, and
// what is missing is counted.
func TestRecorderIsBounded(t *testing.T) {
	r := &recorder{}
	big := make([]byte, maxCaptureBytes/4)
	for range 6 {
		r.Record(association.Record{Kind: association.RecordData, Local: near, Remote: far, Data: big})
	}
	if _, err := r.Write([]byte(strings.Repeat("x", 100))); err != nil {
		t.Errorf("a full key log fails the handshake: %v", err)
	}
	if c := r.capture(); len(c.Frames) != 4 || len(c.KeyLog) != 0 || r.leftOut() != 2 {
		t.Errorf("%d frames, %d bytes of key log, %d left out", len(c.Frames), len(c.KeyLog), r.leftOut())
	}
	payload := make([]byte, maxMessageBytes/8) // twice as long in hexadecimal
	for range 6 {
		r.Message(script.Event{Payload: payload})
	}
	if got, omitted := r.said(); len(got) != 4 || omitted != 2 {
		t.Errorf("%d messages kept, %d omitted; want 4 and 2", len(got), omitted)
	}
}

func TestPacketCommentsNameStepAndRequirements(t *testing.T) {
	c := &reports.Capture{Frames: []reports.Frame{{Comment: "step 2"}, {Comment: "step 9"}, {}}}
	annotate(c, []reports.Step{{}, {Kind: reports.Attack, Title: "replay"}}, []string{"T2.8-R1", "T2.8-R2"})
	for i, want := range []string{"step 2, attack: replay (T2.8-R1, T2.8-R2)", "step 9", ""} {
		if got := c.Frames[i].Comment; got != want {
			t.Errorf("comment %q, want %q", got, want)
		}
	}
}
