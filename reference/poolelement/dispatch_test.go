// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func octets(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnknownIsHandledByItsActionBits: RFC 5354 sections 2 and 3.
func TestUnknownIsHandledByItsActionBits(t *testing.T) {
	// A keep-alive of server 0x0a0b0c01 for EchoPool, with a parameter of 4 octets after it.
	const keepAlive = "0700001c 0a0b0c01 0009000c4563686f506f6f6c"
	for _, row := range []struct {
		name    string
		message string
		ack     bool
		cause   wire.CauseCode
		info    string
	}{
		{"message 00: discarded", "3f000004", false, 0, ""},
		{"message 01: discarded and reported", "7f000004", false, wire.CauseUnrecognizedMessage, "7f000004"},
		{"parameter 00: discarded", keepAlive + "3fff0008 01020304", false, 0, ""},
		{"parameter 01: discarded and reported", keepAlive + "7fff0008 01020304", false, wire.CauseUnrecognizedParameter, "7fff0008 01020304"},
		{"parameter 10: skipped", keepAlive + "bfff0008 01020304", true, 0, ""},
		{"parameter 11: skipped and reported", keepAlive + "c0ff0008 01020304", true, wire.CauseUnrecognizedParameter, "c0ff0008 01020304"},
		{"an error with a parameter 11 is not answered", "0e000014 000c0008 00000004 c0ff0008 01020304", false, 0, ""},
		{"an error with a parameter 01 is not answered", "0e000014 000c0008 00000004 7fff0008 01020304", false, 0, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var h *host
			run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
				n := b.registered(h)
				n.sendBytes(octets(t, row.message))
				if row.ack {
					expect[*wire.EndpointKeepAliveAck](n)
				}
				if row.info != "" {
					m := expect[*wire.ASAPError](n)
					if len(m.Causes) != 1 || m.Causes[0].Code != row.cause || !bytes.Equal(m.Causes[0].Info, octets(t, row.info)) {
						t.Fatalf("got %+v", m)
					}
				}
				n.silent(time.Second)
				if b.home() == "" {
					t.Fatal("the association was ended")
				}
			})
		})
	}
}

func TestMalformedMessageCostsItsSenderTheAssociation(t *testing.T) {
	for _, message := range []string{
		"07000010 0a0b0c01 00090003 00000000", // a parameter shorter than its header
		"07000008",                            // shorter than its length
		"0700",
	} {
		var first, second *host
		run(t, config(2), func(b *bed) { first = b.up(1) }, func(t *testing.T, b *bed) {
			n := b.registered(first)
			second = b.up(2)
			b.down(1)
			n.sendBytes(octets(t, message))
			n.ended()
			b.event(poolelement.HomeLost)
			b.registered(second)
			if b.e.Stats().Malformed != 1 {
				t.Errorf("stats %+v", b.e.Stats())
			}
		})
	}
}

func TestMessagesThatNoRegistrarSendsAreIgnored(t *testing.T) {
	var h *host
	run(t, config(1), func(b *bed) { h = b.up(1) }, func(t *testing.T, b *bed) {
		n := b.registered(h)
		n.send(
			&wire.ServerAnnounce{Server: rogueID},
			&wire.Deregistration{PoolHandle: []byte(pool), PEID: peID},
			&wire.CookieEcho{Value: []byte("cookie")},
		)
		n.silent(time.Second)
		if got := b.e.Stats().Ignored; got != 3 {
			t.Fatalf("%d ignored, want 3", got)
		}
	})
}
