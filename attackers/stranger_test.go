// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

var bothTransports = []association.Transport{association.TCP, association.SCTPUDP}

// each runs a test on TCP and on SCTP over UDP.
func each(t *testing.T, f func(t *testing.T, tr association.Transport)) {
	for _, tr := range bothTransports {
		t.Run(string(tr), func(t *testing.T) { f(t, tr) })
	}
}

func only(t *testing.T, attempts []Attempt) Attempt {
	t.Helper()
	if len(attempts) != 1 {
		t.Fatalf("%d attempts: %v", len(attempts), attempts)
	}
	return attempts[0]
}

func TestStrangerInClearIsHeardAndItsAnswerReported(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, false, &registrar{answer: granted})
		s, seen := site(t, patience, r.door)
		a := only(t, (&Stranger{s}).InClear(t.Context(), r.door, registration()))
		h := r.next(t)
		if !isRegistration(h.message) || h.info.Secured || h.ppid != wire.ASAP.PPID() {
			t.Errorf("the registrar got %+v", h)
		}
		if !a.Sent || a.Ended || !Accepts(a.Answer) || !a.Reached() {
			t.Errorf("attempt %+v", a)
		}
		if text := a.String(); !strings.Contains(text, "ASAP_REGISTRATION in clear") || !strings.Contains(text, "accept") {
			t.Errorf("%q", text)
		}
		if events := seen.all(); len(events) != 2 || events[0].From != Name || events[1].To != Name {
			t.Errorf("evidence %+v", events)
		}
	})
}

// TestStrangerInClearAtATLSPortSpeaksThere: what it says is not TLS, and the far end ends it.
func TestStrangerInClearAtATLSPortSpeaksThere(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{})
		s, _ := site(t, patience, r.door)
		a := only(t, (&Stranger{s}).InClear(t.Context(), r.door, registration()))
		if err := r.refusal(t); !errors.Is(err, tlspsk.ErrNotTLS) {
			t.Errorf("the registrar says %v", err)
		}
		if !a.Sent || !a.Ended || a.Answer != nil || !strings.Contains(a.What, "to the TLS port") {
			t.Errorf("attempt %+v", a)
		}
		r.nothingArrived(t)
	})
}

func TestAnonymousStrangerComesOverTLSWithoutAnIdentity(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{answer: granted})
		s, seen := site(t, patience, r.door)
		a := only(t, (&Stranger{s}).Anonymous(t.Context(), r.door, registration()))
		h := r.next(t)
		if !h.info.Secured || h.info.Identity.Kind != tlspsk.Anonymous || !isRegistration(h.message) {
			t.Errorf("the registrar got %+v", h)
		}
		if !a.Sent || !Accepts(a.Answer) {
			t.Errorf("attempt %+v", a)
		}
		if seen.keyLog == 0 {
			t.Error("no key log: the capture cannot be read")
		}
	})
}

// TestGuessedKeyIsRefusedWithTheAlert: RFC 4279 section 2 and RFC 8446 section 4.2.11 have
// a wrong key end the handshake.
func TestGuessedKeyIsRefusedWithTheAlert(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{answer: granted})
		s, _ := site(t, patience, r.door)
		attempts, err := (&Stranger{s}).GuessedKey(t.Context(), r.door, alice, registration())
		if err != nil || len(attempts) != 2 {
			t.Fatalf("%v, %v", attempts, err)
		}
		for n, name := range []string{alice, "rspthreat-nobody"} {
			a := attempts[n]
			_, received := alert(a.Err)
			if a.Sent || a.Answer != nil || received == "" || !strings.Contains(a.What, name) || !a.Reached() {
				t.Errorf("attempt %+v, alert %q", a, received)
			}
			if text := a.String(); !strings.Contains(text, "kept out") || !strings.Contains(text, received) {
				t.Errorf("%q does not tell the alert", text)
			}
		}
		r.nothingArrived(t)
	})
}

func TestUnknownIdentityIsTriedOnceWhenNoneIsKnown(t *testing.T) {
	r := open(t, association.TCP, true, &registrar{})
	s, _ := site(t, patience, r.door)
	attempts, err := (&Stranger{s}).GuessedKey(t.Context(), r.door, "", registration())
	if a := only(t, attempts); err != nil || !strings.Contains(a.What, "rspthreat-nobody") {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestBrokenOffHandshakeIsFollowedByTheMessage: a ClientHello (RFC 8446 sections 4.1.2 and
// 5.1: a record of type 22, a message of type 1), and then the message in clear, once.
func TestBrokenOffHandshakeIsFollowedByTheMessage(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{})
		s, seen := site(t, patience, r.door)
		a := only(t, (&Stranger{s}).BrokenOff(t.Context(), r.door, alice, registration()))
		if !a.Sent || !a.Ended || a.Err == nil || !strings.Contains(a.String(), "the association was ended") {
			t.Errorf("attempt %+v", a)
		}
		if err := r.refusal(t); err == nil {
			t.Error("the registrar took the handshake for a whole one")
		}
		payload, err := wire.Encode(registration())
		if err != nil {
			t.Fatal(err)
		}
		sent := seen.outbound()
		hello := bytes.Index(sent, []byte{22, 3, 1})
		if hello < 0 || sent[hello+5] != 1 {
			t.Fatalf("no ClientHello: %x", sent)
		}
		length := 5 + int(sent[hello+3])<<8 + int(sent[hello+4])
		if at := bytes.Index(sent, payload); at < hello+length || bytes.Count(sent, payload) != 1 {
			t.Errorf("the message is at %d of %x, the ClientHello at %d", at, sent, hello)
		}
		if tr == association.TCP && len(sent) != length+len(payload) {
			t.Errorf("%d octets were sent, want a ClientHello of %d and a message of %d", len(sent), length, len(payload))
		}
		r.nothingArrived(t)
	})
}

// TestNothingIsReportedAsSentThatWasNot: in whatever way it was tried.
func TestNothingIsReportedAsSentThatWasNot(t *testing.T) {
	door := closed(true)
	s, seen := site(t, patience, door)
	attempts, err := (&Stranger{s}).Everything(t.Context(), alice, registration(), &wire.HandleResolution{PoolHandle: []byte("EchoPool")})
	if err != nil || len(attempts) != 10 { // two messages in five ways
		t.Fatalf("%d attempts, %v", len(attempts), err)
	}
	for _, a := range attempts {
		if a.Sent || a.Ended || a.Answer != nil || a.Err == nil || !strings.Contains(a.String(), "kept out: ") {
			t.Errorf("attempt %+v", a)
		}
	}
	if events := seen.all(); len(events) != 0 {
		t.Errorf("evidence of what was not sent: %+v", events)
	}
}

// TestSilentRegistrarIsReportedAsSilent: silence is no refusal.
func TestSilentRegistrarIsReportedAsSilent(t *testing.T) {
	door := silent(t)
	s, _ := site(t, brief, door)
	stranger := &Stranger{s}
	for _, row := range []struct {
		name string
		try  func() Attempt
		sent bool
	}{
		{"in clear", func() Attempt { return only(t, stranger.InClear(t.Context(), door, registration())) }, true},
		{"over TLS", func() Attempt { return only(t, stranger.Anonymous(t.Context(), door, registration())) }, false},
		{"broken off", func() Attempt { return only(t, stranger.BrokenOff(t.Context(), door, alice, registration())) }, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := row.try()
			if a.Sent != row.sent || a.Ended || a.Answer != nil {
				t.Errorf("attempt %+v", a)
			}
			if want := map[bool]string{true: "no answer", false: "kept out"}[row.sent]; !strings.Contains(a.String(), want) {
				t.Errorf("%q does not say %q", a, want)
			}
		})
	}
}

func TestEndedAssociationIsReportedAsEnded(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, false, &registrar{hangUp: isRegistration, answer: granted})
		s, _ := site(t, patience, r.door)
		attempts := (&Stranger{s}).Sequence(t.Context(), r.door, registration(), registration())
		first, second := attempts[0], attempts[1]
		if !first.Sent || !first.Ended || first.Answer != nil || !strings.Contains(first.String(), "the association was ended") {
			t.Errorf("attempt %+v", first)
		}
		if second.Sent || !second.Ended || second.Err == nil {
			t.Errorf("attempt on an association that has ended %+v", second)
		}
	})
}

// TestMessageWithoutAnAnswerIsFollowedByAQuestion: RFC 5352 has no answer to an unreachable
// report, and only the answer to what comes behind it shows that it was dealt with.
func TestMessageWithoutAnAnswerIsFollowedByAQuestion(t *testing.T) {
	r := open(t, association.TCP, false, &registrar{answer: func(m wire.Message) []wire.Message {
		q, ok := m.(*wire.HandleResolution)
		if !ok {
			return nil
		}
		return []wire.Message{
			&wire.EndpointKeepAlive{Server: 1, PoolHandle: []byte("EchoPool")}, // unasked, and no answer
			&wire.HandleResolutionResponse{PoolHandle: q.PoolHandle, Causes: []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}},
		}
	}})
	s, _ := site(t, patience, r.door)
	a := only(t, (&Stranger{s}).InClear(t.Context(), r.door, &wire.EndpointUnreachable{PoolHandle: []byte("EchoPool"), PEID: 1}))
	if m := r.next(t).message; m.Type() != wire.TypeEndpointUnreachable {
		t.Errorf("first comes %s", m.Name())
	}
	if q, ok := r.next(t).message.(*wire.HandleResolution); !ok || string(q.PoolHandle) != Probe {
		t.Errorf("behind it comes %+v", q)
	}
	if answer, ok := a.Answer.(*wire.HandleResolutionResponse); !ok || string(answer.PoolHandle) != Probe || !a.Sent {
		t.Errorf("attempt %+v", a)
	}
}

func TestEverythingIsTriedAtEveryDoor(t *testing.T) {
	s, _ := site(t, patience)
	if _, err := (&Stranger{s}).Everything(t.Context(), alice, registration()); !errors.Is(err, ErrNoDoor) {
		t.Errorf("without doors: %v", err)
	}
	clear := open(t, association.TCP, false, &registrar{answer: granted})
	secured := open(t, association.SCTPUDP, true, &registrar{answer: granted})
	datagrams := script.Door{Protocol: wire.ASAP, Transport: association.UDP, Addr: clear.door.Addr}
	enrp := script.Door{Protocol: wire.ENRP, Transport: association.TCP, Addr: clear.door.Addr}
	s, _ = site(t, patience, clear.door, datagrams, enrp, secured.door)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	attempts, err := (&Stranger{s}).Everything(ctx, alice, registration())
	if err != nil {
		t.Fatal(err)
	}
	var ways []string
	for _, a := range attempts {
		ways = append(ways, strings.TrimPrefix(a.What, "ASAP_REGISTRATION ")+" @ "+a.Door.String())
	}
	want := "in clear @ ASAP tcp clear|in clear to the TLS port @ ASAP sctp-udp tls|over TLS without a key @ ASAP sctp-udp tls|" +
		"after a handshake that was broken off @ ASAP sctp-udp tls|" +
		`as "pe-alice" with a guessed key @ ASAP sctp-udp tls|as "rspthreat-nobody" with a guessed key @ ASAP sctp-udp tls`
	if got := strings.Join(ways, "|"); !strings.EqualFold(got, want) {
		t.Errorf("ways\n%s, want\n%s", got, want)
	}
}
