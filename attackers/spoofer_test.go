// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TestSpooferShowsTheIdentityThatItHas: and sends everything over one association.
func TestSpooferShowsTheIdentityThatItHas(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{answer: granted})
		s, seen := site(t, patience, r.door)
		key := aliceKey()
		spoofer := &Spoofer{Site: s, Who: alice, Door: r.door, Identity: alice, Key: key}
		attempts := spoofer.Try(t.Context(), registration(), registration())
		first, second := r.next(t), r.next(t)
		if want := (tlspsk.Identity{Kind: tlspsk.PSK, Name: alice}); first.info.Identity != want {
			t.Errorf("the registrar sees %+v", first.info.Identity)
		}
		if first.info.Remote != second.info.Remote {
			t.Errorf("two associations, %s and %s", first.info.Remote, second.info.Remote)
		}
		for _, a := range attempts {
			if !a.Sent || !Accepts(a.Answer) || !strings.HasSuffix(a.What, "as pe-alice") {
				t.Errorf("attempt %+v", a)
			}
		}
		if e := seen.all()[0]; e.From != "attacker pe-alice" || e.To != "registrar" {
			t.Errorf("evidence from %q to %q", e.From, e.To)
		}
		if !bytes.Equal(key, aliceKey()) {
			t.Error("its key is gone, so that it cannot come twice")
		}
		n, err := spoofer.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n.Abort()
	})
}

func TestSpooferWithoutAnIdentityComesInClear(t *testing.T) {
	r := open(t, association.TCP, false, &registrar{answer: granted})
	s, _ := site(t, patience, r.door)
	a := only(t, (&Spoofer{Site: s, Who: "a stranger", Door: r.door}).Try(t.Context(), registration()))
	if h := r.next(t); h.info.Secured || !a.Sent || a.Answer == nil {
		t.Errorf("attempt %+v, the registrar got %+v", a, h)
	}
}

func TestAnnouncementsArriveAtTheDatagramDoorsOfTheirProtocol(t *testing.T) {
	at := host()
	receive := map[wire.Protocol]*association.Datagram{}
	var doors []script.Door
	for _, p := range []wire.Protocol{wire.ASAP, wire.ENRP} {
		d, err := association.ListenDatagram(t.Context(), association.DatagramConfig{Local: netip.AddrPortFrom(at, 0)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		receive[p] = d
		doors = append(doors, script.Door{Protocol: p, Transport: association.UDP, Addr: d.Local()})
	}
	doors = append(doors, closed(false)) // no datagram goes to a door of another transport
	s, seen := site(t, patience, doors...)
	v := &Victim{Pool: "EchoPool", PE: registration().Element}
	messages := []wire.Message{&wire.ServerAnnounce{Server: RogueServer}, v.RoguePresence(s.Local())}
	attempts, err := (&Announcer{s}).Announce(t.Context(), messages...)
	if err != nil || len(attempts) != 2 || !attempts[0].Sent || !attempts[1].Sent {
		t.Fatalf("%+v, %v", attempts, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, m := range messages {
		b, from, err := receive[m.Protocol()].Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) || from.Addr() != s.Local() {
			t.Errorf("%s: %x from %s", m.Name(), b, from)
		}
	}
	if len(seen.all()) != 2 {
		t.Errorf("evidence %+v", seen.all())
	}
}
