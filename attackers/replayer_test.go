// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// recorded registers an element through the replayer's position.
func recorded(t *testing.T, r *registrar) (*Replayer, *script.Node) {
	t.Helper()
	s, seen := site(t, patience, r.door)
	p := &Replayer{Site: s, Door: r.door}
	o := script.Options{Name: "pe alice", Peer: "registrar", Door: r.door, Local: s.Local(), Wire: wire.Strict(), Recorder: seen, Wrap: p.Position}
	if r.door.Secured {
		o.TLS = &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}
	}
	n, err := script.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Abort)
	if _, err := n.Request(t.Context(), registration(), func(wire.Message) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if !isRegistration(r.next(t).message) {
		t.Fatal("the registrar got something else")
	}
	return p, n
}

func TestReplayInClearIsTheSameOnceMore(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, false, &registrar{answer: granted})
		p, n := recorded(t, r)
		pieces := p.Between(0, p.Mark())
		want, err := wire.Encode(registration())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.Join(pieces, nil), want) {
			t.Fatalf("recorded %x, want %x", pieces, want)
		}
		// Into the same association.
		if err := p.Inject(pieces); err != nil {
			t.Fatal(err)
		}
		if h := r.next(t); !isRegistration(h.message) || h.info.Remote != n.Info().Local {
			t.Errorf("injected: the registrar got %+v", h)
		}
		// Into a new one.
		a := p.Replay(t.Context(), "the registration", pieces)
		h := r.next(t)
		if !isRegistration(h.message) || h.info.Remote == n.Info().Local || h.ppid != wire.ASAP.PPID() {
			t.Errorf("replayed: the registrar got %+v", h)
		}
		if !a.Sent || a.Ended || !Accepts(a.Answer) || !strings.Contains(a.String(), "accept") {
			t.Errorf("attempt %+v", a)
		}
	})
}

// TestReplayUnderTLSIsRefused: record numbers and keys are those of another session.
func TestReplayUnderTLSIsRefused(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		r := open(t, tr, true, &registrar{answer: granted})
		p, n := recorded(t, r)
		session := p.Between(0, p.Mark())
		if all := bytes.Join(session, nil); len(all) < 6 || all[0] != 22 || all[5] != 1 || bytes.Contains(all, []byte("EchoPool")) {
			t.Fatalf("recorded %x, want a TLS session from its ClientHello", all)
		}
		a := p.Replay(t.Context(), "the session", session)
		if err := r.refusal(t); err == nil {
			t.Error("the handshake was good for another association")
		}
		if !a.Sent || !a.Ended || a.Answer != nil {
			t.Errorf("attempt %+v", a)
		}
		if err := p.Inject(session[len(session)-1:]); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Await(t.Context(), func(wire.Message) bool { return true }); !errors.Is(err, script.ErrEnded) {
			t.Errorf("a record that comes twice does not end the association: %v", err)
		}
		r.nothingArrived(t)
	})
}

func TestReplayIntoSilenceIsReportedAsSilence(t *testing.T) {
	door := silent(t)
	s, _ := site(t, brief, door)
	p := &Replayer{Site: s, Door: door}
	a := p.Replay(t.Context(), "the session", [][]byte{{22, 3, 1, 0, 0}})
	if !a.Sent || a.Ended || !errors.Is(a.Err, os.ErrDeadlineExceeded) || !strings.Contains(a.String(), "no answer") {
		t.Errorf("attempt %+v", a)
	}
	p.Door = closed(true)
	if a := p.Replay(t.Context(), "the session", [][]byte{{22}}); a.Sent || a.Err == nil || !strings.Contains(a.String(), "kept out") {
		t.Errorf("attempt %+v", a)
	}
	if err := p.Inject([][]byte{{22}}); !errors.Is(err, ErrNoDoor) {
		t.Errorf("without an association: %v", err)
	}
}

// TestEarlyDataIsReportedAsTheRegistrarTakesIt, and its replay arrives where it does.
func TestEarlyDataIsReportedAsTheRegistrarTakesIt(t *testing.T) {
	each(t, func(t *testing.T, tr association.Transport) {
		payload, err := wire.Encode(registration())
		if err != nil {
			t.Fatal(err)
		}
		for _, takes := range []bool{false, true} {
			r := open(t, tr, true, &registrar{answer: granted}, func(c *association.ListenConfig) { c.TLS.AllowEarlyData = takes })
			s, _ := site(t, patience, r.door)
			p := &Replayer{Site: s, Door: r.door}
			flight, accepted, err := p.EarlyData(t.Context(), &tlspsk.Config{PSKIdentity: alice, PSKKey: aliceKey()}, payload)
			if err != nil || accepted != takes {
				t.Fatalf("accepted %t, want %t; %v", accepted, takes, err)
			}
			if !takes {
				r.nothingArrived(t)
				continue
			}
			if !isRegistration(r.next(t).message) {
				t.Error("the registrar got something else")
			}
			p.Patience = brief // the replay is answered with what nobody can read
			if a := p.Replay(t.Context(), "the early data", flight); !a.Sent {
				t.Errorf("attempt %+v", a)
			}
			if h := r.next(t); !isRegistration(h.message) || h.info.Identity.Name != alice {
				t.Errorf("the registrar got %+v", h)
			}
		}
	})
}
