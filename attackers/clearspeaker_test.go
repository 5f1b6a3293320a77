// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestClearSpeakerSaysEverythingAtEveryPort: with the type of a message alone, each of ASAP's
// 14 (RFC 5352 section 2.2) and ENRP's 10 (RFC 5353 section 2) arrives in clear, whatever the
// door speaks.
func TestClearSpeakerSaysEverythingAtEveryPort(t *testing.T) {
	for _, protocol := range []wire.Protocol{wire.ASAP, wire.ENRP} {
		for _, secured := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %t", protocol, secured), func(t *testing.T) {
				l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", netip.AddrPortFrom(host(), 0).String())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { l.Close() })
				door := script.Door{Protocol: protocol, Transport: association.TCP, Secured: secured, Addr: l.Addr().(*net.TCPAddr).AddrPort()}
				s, _ := site(t, patience, door)
				first := make(chan []byte, 24)
				go func() {
					defer close(first)
					for range 24 {
						c, err := l.Accept()
						if err != nil {
							return
						}
						_ = c.SetReadDeadline(time.Now().Add(brief)) // what was not sent is not waited for
						header := make([]byte, 4)
						_, _ = io.ReadFull(c, header)
						c.Close() // refused: nobody is answered
						first <- header
					}
				}()
				v := &Victim{Pool: "EchoPool", PE: registration().Element}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				attempts, err := (&ClearSpeaker{s}).Speak(ctx, v, s.Local())
				if err != nil || len(attempts) != 24 {
					t.Fatalf("%d attempts, %v", len(attempts), err)
				}
				for _, a := range attempts {
					if !a.Sent {
						t.Fatalf("not sent: %s", a)
					}
				}
				types := make(map[byte]int)
				for header := range first {
					types[header[0]]++
				}
				for n := range byte(14) {
					want := 1
					if n < 10 { // both protocols count from 1
						want = 2
					}
					if types[n+1] != want {
						t.Errorf("%d messages of type %d, not %d", types[n+1], n+1, want)
					}
				}
			})
		}
	}
}

func TestClearSpeakerSendsDatagramsOfBothProtocols(t *testing.T) {
	d, err := association.ListenDatagram(t.Context(), association.DatagramConfig{Local: netip.AddrPortFrom(host(), 0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	s, _ := site(t, patience, script.Door{Protocol: wire.ENRP, Transport: association.UDP, Addr: d.Local()})
	v := &Victim{Pool: "EchoPool", PE: registration().Element}
	if attempts, err := (&ClearSpeaker{s}).Speak(t.Context(), v, s.Local()); err != nil || len(attempts) != 24 {
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n := range 24 {
		if _, _, err := d.Receive(ctx); err != nil {
			t.Fatalf("datagram %d: %v", n, err)
		}
	}
}
