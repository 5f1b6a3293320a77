// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// tcpEvent is one frame of a TCP conversation, from the client (c) or the server.
func tcpEvent(r *frameRecorder, c bool, kind FrameKind, data []byte, comment string, addrs ...string) {
	if addrs == nil {
		addrs = []string{"192.0.2.1:40000", "192.0.2.2:3863"}
	}
	src, dst := netip.MustParseAddrPort(addrs[0]), netip.MustParseAddrPort(addrs[1])
	if !c {
		src, dst = dst, src
	}
	r.add(Frame{Transport: "tcp", Kind: kind, Src: src, Dst: dst, Data: data, Comment: comment})
}

func TestTCPConversationIsCleanAndComplete(t *testing.T) {
	for name, addrs := range map[string][]string{
		"IPv4": {"192.0.2.1:40000", "192.0.2.2:5000"}, "IPv6": {"[2001:db8::1]:40000", "[2001:db8::2]:5000"},
	} {
		t.Run(name, func(t *testing.T) {
			var r frameRecorder
			var sent [2]string
			tcpEvent(&r, true, FrameOpen, nil, "", addrs...)
			for i, size := range []int{1, maxSegment, maxSegment + 1, 5, 300_000, 0, 7} {
				data := bytes.Repeat([]byte{byte('a' + i)}, size)
				tcpEvent(&r, i%2 == 0, FrameData, data, "", addrs...)
				sent[i%2] += string(data)
			}
			tcpEvent(&r, true, FrameClose, nil, "", addrs...)
			tcpEvent(&r, false, FrameData, []byte("still talking"), "", addrs...)
			sent[1] += "still talking"
			tcpEvent(&r, false, FrameClose, nil, "", addrs...)
			c := captureReport(t, &Capture{Frames: r.frames})
			c.mustBeClean(t)
			for i, port := range []string{"40000", "5000"} {
				var got strings.Builder
				for _, h := range c.fields(t, "tcp.len > 0 && tcp.srcport == "+port, "tcp.payload") {
					b, err := hex.DecodeString(h)
					if err != nil {
						t.Fatal(err)
					}
					got.Write(b)
				}
				if got.String() != sent[i] {
					t.Errorf("port %s sent %d bytes, the capture holds %d", port, len(sent[i]), got.Len())
				}
			}
			if got := c.fields(t, "tcp.flags.fin == 1", "tcp.srcport"); !slices.Equal(got, []string{"40000", "5000"}) {
				t.Errorf("FIN from ports %q", got)
			}
			if got := c.fields(t, "frame.comment", "frame.comment"); len(got) > 0 {
				t.Errorf("comments %q", got)
			}
			// 1+2+4+8+16: handshake, data and FIN of both sides were seen (Wireshark's tcp.completeness).
			if got := c.fields(t, "tcp", "tcp.completeness"); got[len(got)-1] != "31" {
				t.Errorf("completeness %q, want 31", got[len(got)-1])
			}
		})
	}
}

func TestResetAndReusedPortMakeTwoConversations(t *testing.T) {
	var r frameRecorder
	for range 2 {
		tcpEvent(&r, true, FrameOpen, nil, "")
		tcpEvent(&r, true, FrameData, unhex(t, hexRegistration), "")
		tcpEvent(&r, false, FrameReset, nil, "")
		tcpEvent(&r, true, FrameClose, nil, "") // the socket of the client notices later
	}
	c := captureReport(t, &Capture{Frames: r.frames})
	if got := c.fields(t, "tcp.flags.reset == 1", "tcp.stream", "tcp.srcport"); !slices.Equal(got, []string{"0 3863", "1 3863"}) {
		t.Errorf("resets %q", got)
	}
	if got := c.fields(t, "tcp.flags.fin == 1", "frame.number"); len(got) > 0 {
		t.Errorf("FIN after a reset in %q", got)
	}
	if bad := c.fields(t, "_ws.malformed || tcp.analysis.flags && !tcp.analysis.reused_ports", "_ws.col.Info"); len(bad) > 0 {
		t.Errorf("tshark objects:\n%s", strings.Join(bad, "\n"))
	}
}

func TestDataWithoutABeginningOrAfterTheEndIsKeptAndMarked(t *testing.T) {
	var r frameRecorder
	tcpEvent(&r, true, FrameData, []byte("first"), "attack")
	tcpEvent(&r, false, FrameReset, nil, "")
	tcpEvent(&r, true, FrameData, []byte("late"), "attack")
	c := captureReport(t, &Capture{Frames: r.frames})
	got := c.fields(t, "frame.comment", "frame.comment", "tcp.len")
	want := []string{"connection was open before recording began 0", "attack 5", "attack; " + commentAfterEnd + " 4"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFramesAreOrderedByTime(t *testing.T) {
	var r frameRecorder
	tcpEvent(&r, true, FrameOpen, nil, "")
	tcpEvent(&r, true, FrameData, []byte("one"), "")
	tcpEvent(&r, true, FrameData, []byte("two"), "")
	slices.Reverse(r.frames)
	c := captureReport(t, &Capture{Frames: r.frames})
	if got := c.fields(t, "tcp.len > 0", "tcp.payload"); !slices.Equal(got, []string{"6f6e65", "74776f"}) {
		t.Errorf("payloads %q", got)
	}
}
