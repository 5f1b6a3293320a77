// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// onPath connects a node through a tamperer's position.
func onPath(t *testing.T, r *registrar) (*Tamperer, *script.Node) {
	t.Helper()
	s, seen := site(t, patience, r.door)
	p := &Tamperer{}
	o := script.Options{Name: "pe alice", Peer: "registrar", Door: r.door, Local: s.Local(), Wire: wire.Strict(), Recorder: seen, Wrap: p.Position}
	if r.door.Secured {
		o.TLS = &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}
	}
	n, err := script.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Abort)
	return p, n
}

func say(t *testing.T, n *script.Node, messages ...wire.Message) {
	t.Helper()
	for _, m := range messages {
		if err := n.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// field is the PE identifier of registration(), and where it is.
func field(t *testing.T) (octets []byte, offset int) {
	t.Helper()
	b, err := wire.Encode(registration())
	if err != nil {
		t.Fatal(err)
	}
	octets = binary.BigEndian.AppendUint32(nil, 0x11223344)
	for offset = range b {
		if binary.BigEndian.Uint32(b[offset:]) == 0x11223344 {
			return octets, offset
		}
	}
	t.Fatal("the registration has no identifier")
	return nil, 0
}

func TestTamperingInClearArrives(t *testing.T) {
	question := &wire.HandleResolution{PoolHandle: []byte(Probe)}
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, false, &registrar{answer: granted})
		p, n := onPath(t, r)
		octets, offset := field(t)
		first := func(wire.Message) bool { return true }

		p.Tamper(Sent, Flip(octets, offset, 0))
		say(t, n, question, registration()) // the question has no such field and passes
		r.next(t)
		if m, ok := r.next(t).message.(*wire.Registration); !ok || m.Element.ID != 0x11223345 {
			t.Errorf("flipped: %+v", m)
		}
		p.Tamper(Sent, Swap())
		say(t, n, question, registration())
		if !isRegistration(r.next(t).message) {
			t.Error("the order is as it was")
		}
		r.next(t)
		p.Tamper(Sent, Repeat())
		say(t, n, registration())
		for range 2 {
			if !isRegistration(r.next(t).message) {
				t.Error("it came once only")
			}
		}
		for range 6 { // the answers to all of these
			if _, err := n.Await(t.Context(), first); err != nil {
				t.Fatal(err)
			}
		}
		p.Tamper(Received, Flip(octets, 0, 0))
		say(t, n, registration())
		m, err := n.Await(t.Context(), first)
		if err != nil || m.(*wire.RegistrationResponse).PEID != 0x11223345 {
			t.Errorf("received %+v, %v", m, err)
		}
		r.next(t)
		done := p.Done()
		if len(done) != 4 || done[0].Direction != Sent || done[3].Direction != Received || done[1].What != Swap().What {
			t.Errorf("did %v", done)
		}
		// What is cut short is another message, or none: over TCP the next one fills the gap.
		p.Tamper(Sent, Cut())
		say(t, n, registration())
		if tr == association.TCP {
			say(t, n, question)
			if m, ok := r.next(t).message.(*wire.Registration); !ok || m.Element.Policy.Type == wire.RoundRobin {
				t.Errorf("cut: %+v", m)
			}
			return
		}
		if _, err := n.Await(t.Context(), first); !errors.Is(err, script.ErrEnded) {
			t.Errorf("cut: %v", err)
		}
	})
}

func TestTamperingUnderTLSEndsTheAssociation(t *testing.T) {
	octets, offset := field(t)
	for _, direction := range []Direction{Sent, Received} {
		for _, how := range []func(prefix int) Tampering{
			func(prefix int) Tampering { return Flip(octets, offset, prefix) },
			func(int) Tampering { return Cut() },
			func(int) Tampering { return Swap() },
			func(int) Tampering { return Repeat() },
		} {
			each(t, func(t *testing.T, tr association.Transport) {
				r := open(t, tr, true, &registrar{answer: granted})
				p, n := onPath(t, r)
				h := how(RecordPrefix(n.Info().TLS))
				t.Log(direction, h.What)
				p.Tamper(direction, h)
				_ = n.Send(t.Context(), registration()) // the far end may end it at any time
				if err := p.Await(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				_ = n.Send(t.Context(), registration())
				for {
					m, err := n.Await(t.Context(), func(wire.Message) bool { return true })
					if errors.Is(err, script.ErrEnded) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if a := m.(*wire.RegistrationResponse); a.PEID != 0x11223344 {
						t.Fatalf("%+v arrived", a)
					}
				}
				if len(p.Done()) != 1 {
					t.Errorf("did %v", p.Done())
				}
			})
		}
	}
}
