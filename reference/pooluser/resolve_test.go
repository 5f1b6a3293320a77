// SPDX-License-Identifier: Apache-2.0

package pooluser_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestRequestIsRepeatedAfterT1AndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		h := n.add("mute", addr1)
		u := n.start(nil, addr1)
		called := make(chan *node, 1)
		go func() {
			called <- h.accept()
			h.refuse(errors.New("down")) // or the hunt beside the request may find it again in the very second of its end
		}()
		start := time.Now()
		_, err := u.Resolve(within(t, time.Hour), pool)
		if !errors.Is(err, pooluser.ErrNoResponse) {
			t.Errorf("got %v, want ErrNoResponse", err)
		}
		if took := time.Since(start); took != 45*time.Second {
			t.Errorf("gave up after %v, want 3 times T1 (15 s)", took)
		}
		far := <-called
		var sent int
		for range far.pending() {
			sent++
		}
		if sent != 3 {
			t.Errorf("%d requests sent, want 1 and MAX-REQUEST-RETRANSMIT (2)", sent)
		}
		if s := u.Stats(); s.Requests != 3 || s.Repetitions != 2 {
			t.Errorf("stats %+v", s)
		}
		if home, ok := u.Home(); ok {
			t.Errorf("%s is still the home registrar", home)
		}
	})
}

func TestAlternateRegistrarIsAdoptedAfterT1(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		mute := n.add("mute", addr1)
		u := n.start(nil, addr1, addr2) // there is nobody at addr2 yet
		go func() {
			time.Sleep(20 * time.Second) // between the first and the second T1
			n.registrar("late", addr2, listed(peA))
			n.hosts[server(addr2).Addr].refuse(nil)
		}()
		start := time.Now()
		r, err := u.Resolve(within(t, time.Hour), pool)
		if err != nil {
			t.Fatal(err)
		}
		// The hunt beside the request begins at 15 s; its first cycle ends at 25 s.
		if took := time.Since(start); took != 25*time.Second || r.Server != server(addr2) {
			t.Errorf("answered after %v by %s, want 25 s and the alternate registrar", took, r.Server)
		}
		far := mute.accept()
		if got := len(far.pending()); got != 2 {
			t.Errorf("the silent registrar was asked %d times, want 2", got)
		}
		synctest.Wait()
		if !errors.Is(far.Err(), io.EOF) {
			t.Errorf("the association with the silent registrar: %v, want a graceful end", far.Err())
		}
		if mute.count() != 1 {
			t.Errorf("the silent registrar was dialled %d times, want 1", mute.count())
		}
	})
}

func TestHostileRegistrarCannotKeepUsAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		h := n.add("hangs up", addr1)
		go func() {
			for {
				select {
				case m := <-h.accepted:
					go func() { (&node{m, h}).next(); m.Abort("") }()
				case <-t.Context().Done():
					return
				}
			}
		}()
		u := n.start(nil, addr1)
		if _, err := u.Resolve(within(t, time.Hour), pool); !errors.Is(err, pooluser.ErrNoResponse) {
			t.Errorf("got %v, want ErrNoResponse", err)
		}
		if h.count() != 4 {
			t.Errorf("dialled %d times, want 4: one registrar, and MAX-REQUEST-RETRANSMIT and 1 more", h.count())
		}
	})
}

func TestSeveralCallersShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		h := n.add("slow", addr1)
		u := n.start(nil, addr1)
		results := make(chan error, 3)
		impatient, leave := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{t.Context(), impatient, t.Context()} {
			go func() { _, err := u.Resolve(ctx, pool); results <- err }()
		}
		far := h.accept()
		far.next()
		synctest.Wait()
		leave()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("the impatient caller got %v", err)
		}
		far.send(&wire.HandleResolutionResponse{PoolHandle: []byte(pool), Elements: listed(peA).elements})
		for range 2 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := len(far.pending()); got != 0 {
			t.Errorf("%d more requests", got)
		}
	})
}

func TestRequestAfterAnAbandonedOneIsNotCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		r := n.registrar("good", addr1, listed(peA))
		r.silent()
		u := n.start(nil, addr1)
		for range 3 {
			if _, err := u.Resolve(within(t, time.Second), pool); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		r.answer(nil)
		if _, err := u.Resolve(within(t, time.Minute), pool); err != nil {
			t.Error(err)
		}
	})
}

func TestNegativeResponses(t *testing.T) {
	for _, tc := range []struct {
		name  string
		cause wire.CauseCode
		want  error
		text  string
	}{
		{"unknown pool", wire.CauseUnknownPoolHandle, pooluser.ErrUnknownPool, "EchoPool"},
		{"security", wire.CauseSecurity, pooluser.ErrRefused, "security"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				h := n.add("refuses", addr1)
				u := n.start(nil, addr1)
				go func() {
					far := h.accept()
					far.next()
					far.send(&wire.HandleResolutionResponse{PoolHandle: []byte(pool), Causes: []wire.Cause{{Code: tc.cause}}})
				}()
				_, err := u.Resolve(within(t, time.Minute), pool)
				if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
					t.Errorf("got %v, want %v with %q", err, tc.want, tc.text)
				}
			})
		})
	}
}

func TestPoolHandleThatCannotBeSentIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		r := n.registrar("good", addr1, listed(peA))
		u := n.start(nil, addr1)
		for _, handle := range []string{"", strings.Repeat("x", 70_000)} {
			var refused *wire.EncodeError
			if _, err := u.Resolve(within(t, time.Minute), handle); !errors.As(err, &refused) {
				t.Errorf("%d octets: got %v, want an EncodeError", len(handle), err)
			}
		}
		if r.count() != 0 {
			t.Error("a registrar was looked for")
		}
	})
}

// What nobody asked for changes nothing, whoever sends it.
func TestUnexpectedMessagesFromTheRegistrarAreIgnored(t *testing.T) {
	answer := func(handle string, id wire.PEID) wire.Message {
		return &wire.HandleResolutionResponse{PoolHandle: []byte(handle), Elements: listed(id).elements}
	}
	for _, tc := range []struct {
		name string
		m    wire.Message
	}{
		{"response for another pool", answer("OtherPool", peC)},
		{"keep-alive", &wire.EndpointKeepAlive{NewHome: true, Server: 7, PoolHandle: []byte(pool)}},
		{"error", &wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseUnspecified}}}},
		{"cookie", &wire.Cookie{Value: []byte("x")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				h := n.add("talks", addr1)
				u := n.start(nil, addr1)
				go func() {
					far := h.accept()
					far.next()
					far.send(tc.m)
					far.send(answer(pool, peA))
					far.send(answer(pool, peC)) // too late
				}()
				for range 2 {
					r, err := u.Resolve(within(t, time.Minute), pool)
					if err != nil || !slices.Equal(elementsOf(r), []wire.PEID{peA}) {
						t.Errorf("got %v, %v", elementsOf(r), err)
					}
					synctest.Wait()
				}
			})
		})
	}
}

// RFC 5354 sections 3 and 4 on the association with the registrar.
func TestUnknownAndMalformedMessagesFromTheRegistrar(t *testing.T) {
	for _, tc := range []struct {
		name, octets, report string
		ends                 bool
	}{
		{"unknown message, discard", "20000004", "", false},
		{"unknown message, report", "60000008 01020304", "0e000014 000c0010 0002000c 60000008 01020304", false},
		{"unknown parameter, stop and report", "0b000013 60000008 01020304 000d0007 61626300", "0e000014 000c0010 0001000c 60000008 01020304", false},
		{"unknown parameter, skip and report", "0b000013 d0000008 01020304 000d0007 61626300", "0e000014 000c0010 0001000c d0000008 01020304", false},
		{"malformed", "0600000c 000900ff 61000000", "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				h := n.add("odd", addr1)
				u := n.start(nil, addr1)
				go u.Resolve(within(t, time.Second), pool)
				far := h.accept()
				far.next()
				far.sendBytes(unhex(t, tc.octets))
				synctest.Wait()
				var got []string
				for _, m := range far.pending() {
					got = append(got, hex.EncodeToString(m.Payload))
				}
				var want []string
				if tc.report != "" {
					want = append(want, strings.ReplaceAll(tc.report, " ", ""))
				}
				if !slices.Equal(got, want) {
					t.Errorf("answered %v, want %v", got, want)
				}
				if ended := far.Err() != nil; ended != tc.ends {
					t.Errorf("association ended: %v, want %v", ended, tc.ends)
				}
			})
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
