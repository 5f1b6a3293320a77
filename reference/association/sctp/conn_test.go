// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	pion "github.com/pion/sctp"
)

func TestMessageKeepsBoundaryPPIDAndStream(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	for i, m := range []Message{
		{[]byte("register"), 11, 0},
		{[]byte("x"), 0xffffffff, 0},
		{[]byte("presence"), 12, 3},
		{bytes.Repeat([]byte{7}, MaxMessage), 11, 15},
	} {
		if err := p.client.WriteMessage(m); err != nil {
			t.Fatal(err)
		}
		got, err := p.server.ReadMessage()
		if err != nil || !bytes.Equal(got.Payload, m.Payload) || got.PPID != m.PPID || got.Stream != m.Stream {
			t.Fatalf("message %d: got %d octets, ppid %d, stream %d, %v", i, len(got.Payload), got.PPID, got.Stream, err)
		}
		if err := p.server.WriteMessage(got); err != nil {
			t.Fatal(err)
		}
		if got, err = p.client.ReadMessage(); err != nil || !bytes.Equal(got.Payload, m.Payload) {
			t.Fatalf("reply %d: %d octets, %v", i, len(got.Payload), err)
		}
	}
}

func TestWriteRefusesLengthsSCTPCannotCarry(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	for _, n := range []int{0, MaxMessage + 1} {
		if err := p.client.WriteMessage(Message{Payload: make([]byte, n)}); !errors.Is(err, ErrLength) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	if n, err := p.client.Write(nil); n != 0 || err != nil {
		t.Errorf("empty Write: %d, %v", n, err)
	}
	sendText(t, p.client, "after the empty one") // stuck for ever if that had been counted
	wantText(t, p.server, "after the empty one")
}

func TestWriteRefusesStreamsThePeerDoesNotTake(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	if err := p.client.WriteMessage(Message{Payload: []byte("a"), Stream: maxStreams}); !errors.Is(err, ErrStream) {
		t.Errorf("stream %d: %v", maxStreams, err)
	}
}

func TestPeerThatUsesAStreamWeDoNotTakeIsAborted(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	s, err := p.client.engine.OpenStream(maxStreams, pion.PayloadTypeUnknown)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := wantEnd(t, p.server); !errors.Is(err, ErrStream) {
		t.Errorf("server ended: %v", err)
	}
	if err := wantEnd(t, p.client); !errors.Is(err, ErrAborted) {
		t.Errorf("client ended: %v", err)
	}
}

// A stream must not get a reader with every message that is written to it.
func TestWritingStartsOneReader(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	const messages = 100
	before := runtime.NumGoroutine()
	for i := range messages {
		sendText(t, p.client, strconv.Itoa(i))
		wantText(t, p.server, strconv.Itoa(i))
	}
	if grown := runtime.NumGoroutine() - before; grown > messages/2 {
		t.Errorf("%d more goroutines after %d messages", grown, messages)
	}
}

func TestSingleStreamDiscardsOthers(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{SingleStream: true})
	for stream := uint16(0); stream < 2; stream++ {
		m := Message{Payload: []byte{'0' + byte(1-stream)}, Stream: 1 - stream}
		if err := p.client.WriteMessage(m); err != nil {
			t.Fatal(err)
		}
	}
	wantText(t, p.server, "0")
}

func TestReadReturnsTheRestOfAMessage(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	sendText(t, p.client, "abcdefg")
	sendText(t, p.client, "next")
	buf := make([]byte, 5)
	for _, want := range []string{"abcde", "fg", "next"} {
		n, err := p.server.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("got %q, %v; want %q", buf[:n], err, want)
		}
	}
}

func TestMessageAboveLimitAborts(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{MaxMessage: 5000})
	sendText(t, p.client, string(make([]byte, 5000)))
	wantText(t, p.server, string(make([]byte, 5000)))
	sendText(t, p.client, string(make([]byte, 5001)))
	if err := wantEnd(t, p.server); !errors.Is(err, ErrLength) {
		t.Errorf("server ended: %v", err)
	}
	if err := wantEnd(t, p.client); !errors.Is(err, ErrAborted) {
		t.Errorf("client ended: %v", err)
	}
}

func TestReadDeadlineIsNotSticky(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	_ = p.server.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := p.server.ReadMessage(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("past deadline: %v", err)
	}
	sendText(t, p.client, "later")
	_ = p.server.SetReadDeadline(time.Time{})
	if m, err := p.server.ReadMessage(); err != nil || string(m.Payload) != "later" {
		t.Fatalf("got %q, %v", m.Payload, err)
	}
}

func TestWriteDeadlineEndsABlockedWriteAndNothingElse(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	block := make([]byte, MaxMessage)
	sent := 0
	for { // until the peer, which does not read, has a full window
		_ = p.client.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
		if err := p.client.WriteMessage(Message{Payload: block}); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
		sent++
	}
	_ = p.client.SetDeadline(time.Time{})
	go func() {
		for range sent {
			_, _ = p.server.ReadMessage()
		}
	}()
	sendText(t, p.client, "goes on")
	for {
		m, err := p.server.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Payload) == "goes on" {
			return
		}
	}
}

func TestShutdownDeliversWhatWasWritten(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	const messages = 500
	for range messages {
		sendText(t, p.client, "pending")
	}
	if err := p.client.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range messages {
		wantText(t, p.server, "pending")
	}
	if err := wantEnd(t, p.server); err != io.EOF {
		t.Errorf("server ended: %v", err)
	}
}

// A client may be gone before the server has looked at its streams.
func TestMessageOfAShortAssociationArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		clientEnd, serverEnd := NewEndpoint(n.link("10.0.0.1"), Config{}), NewEndpoint(n.link("10.0.0.2"), Config{})
		defer clientEnd.Close()
		defer serverEnd.Close()
		conns := server(t, serverEnd, Options{})
		for range 50 {
			c := dial(t, clientEnd, DialConfig{})
			sendText(t, c, "hello")
			if err := c.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			s := <-conns
			wantText(t, s, "hello")
			if err := wantEnd(t, s); err != io.EOF {
				t.Fatalf("server ended: %v", err)
			}
		}
	})
}

func TestCloseTellsThePeer(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	if err := p.client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := wantEnd(t, p.server); err != io.EOF {
		t.Errorf("server ended: %v", err)
	}
}

func TestAbortCarriesItsReason(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	sendText(t, p.client, "first")
	wantText(t, p.server, "first")
	p.client.Abort("had enough")
	err := wantEnd(t, p.server)
	if !errors.Is(err, ErrAborted) || !bytes.Contains([]byte(err.Error()), []byte("had enough")) {
		t.Errorf("server ended: %v", err)
	}
}

func TestBothSidesMayShutDownAtOnce(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	errs := make(chan error, 2)
	for _, c := range []*Conn{p.client, p.server} {
		go func() { errs <- c.Shutdown(t.Context()) }()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	p.net.setFilter(dropAll)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.client.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	<-p.client.Ended()
}

func TestResetOfStreamZeroIsAClose(t *testing.T) {
	p := newPair(t, newNetwork(), Options{}, Options{})
	sendText(t, p.client, "last")
	wantText(t, p.server, "last")
	s, err := p.client.engine.OpenStream(0, pion.PayloadTypeUnknown)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := wantEnd(t, p.server); err != io.EOF {
		t.Errorf("server ended: %v", err)
	}
}
