// SPDX-License-Identifier: Apache-2.0

package registrar_test

import (
	"context"
	mathrand "math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// With DialFromDoor a mentor is called from the port of the door, and when the mentor has called from its own before,
// it is asked over that association: there can be no second one.
func TestMentorIsDialedFromTheDoor(t *testing.T) {
	for name, mentorCalls := range map[string]bool{"we call": false, "the mentor has called": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), loopbackWait)
			defer cancel()
			net := netip.AddrFrom4([4]byte{127, byte(1 + mathrand.IntN(250)), byte(mathrand.IntN(250)), 0})
			here, there := netip.AddrPortFrom(net.Next(), wire.PortENRP), netip.AddrPortFrom(net.Next().Next(), wire.PortENRP)
			stack, err := association.NewStack(association.StackConfig{Local: there.Addr(), Transport: association.SCTPUDP})
			if err != nil {
				t.Fatal(err)
			}
			defer stack.Close()
			var l association.Listener
			if !mentorCalls { // nobody else is to be reached there
				if l, err = association.Listen(ctx, association.ListenConfig{Transport: association.SCTPUDP, Addr: there, Stack: stack, PPID: wire.PPIDENRP}); err != nil {
					t.Fatal(err)
				}
				defer l.Close()
			}
			r, err := registrar.Start(ctx, registrar.Config{
				ServerID: smallID, Mode: registrar.Insecure, DialFromDoor: true,
				Doors:  []registrar.Door{{Protocol: wire.ENRP, Transport: association.SCTPUDP, Addr: here}},
				Peers:  []registrar.Peer{{Transport: association.SCTPUDP, Addr: there}},
				Timers: registrar.Timers{MaxTimeNoResponse: time.Second, MentorRetry: 50 * time.Millisecond},
				Limits: registrar.Limits{MaxSessions: 10, MaxPerAddress: 10, SendQueue: 10, JoinRounds: 100, MaxLife: -1},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close(ctx)
			var a association.Association
			if mentorCalls {
				d := association.Dialer{Transport: association.SCTPUDP, Stack: stack, LocalPort: there.Port(), PPID: wire.PPIDENRP}
				a, err = d.Dial(ctx, here)
			} else {
				a, err = l.Accept(ctx)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Abort("end of test")
			if remote := a.Info().Remote; remote != here {
				t.Errorf("called from %s, want %s", remote, here)
			}
			for {
				m, err := a.Receive(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := wire.Decode(wire.ENRP, m.Payload, nil); err != nil {
					t.Fatal(err)
				} else if _, asked := got.(*wire.ListRequest); asked {
					return
				}
			}
		})
	}
}
