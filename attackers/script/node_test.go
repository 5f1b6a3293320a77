// SPDX-License-Identifier: Apache-2.0

package script_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

var hosts atomic.Uint32

func host() netip.Addr {
	n := hosts.Add(1)
	return netip.AddrFrom4([4]byte{127, 71, 200, byte(n)})
}

// evidence is a Recorder that keeps the messages.
type evidence struct {
	mu     sync.Mutex
	events []script.Event
}

func (*evidence) Record(association.Record)   {}
func (*evidence) Write(p []byte) (int, error) { return len(p), nil }
func (e *evidence) Message(event script.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, event)
}

func (e *evidence) all() []script.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]script.Event(nil), e.events...)
}

// pair opens a node and returns it with the far end of its association.
func pair(t *testing.T, change ...func(*script.Options)) (context.Context, *script.Node, association.Association, *evidence) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	l, err := association.Listen(ctx, association.ListenConfig{Transport: association.TCP, Addr: netip.AddrPortFrom(host(), 3863), PPID: wire.ASAP.PPID()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	e := &evidence{}
	o := script.Options{
		Name: "pe alice", Peer: "registrar", Local: host(), Wire: wire.Strict(), Recorder: e,
		Door: script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: l.Addr()},
	}
	for _, f := range change {
		f(&o)
	}
	n, err := script.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Abort)
	far, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Abort("end of test") })
	return ctx, n, far, e
}

func send(ctx context.Context, t *testing.T, far association.Association, m wire.Message) {
	t.Helper()
	b, err := wire.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	sendBytes(ctx, t, far, b)
}

func sendBytes(ctx context.Context, t *testing.T, far association.Association, b []byte) {
	t.Helper()
	if err := far.Send(ctx, association.Message{Payload: b}); err != nil {
		t.Fatal(err)
	}
}

func cookie(value string) *wire.Cookie { return &wire.Cookie{Value: []byte(value)} }

func is(value string) func(wire.Message) bool {
	return func(m wire.Message) bool {
		c, ok := m.(*wire.Cookie)
		return ok && string(c.Value) == value
	}
}

// TestMailboxKeepsWhatNobodyHasAskedFor, and gives it out in any order.
func TestMailboxKeepsWhatNobodyHasAskedFor(t *testing.T) {
	ctx, n, far, _ := pair(t)
	for _, value := range []string{"1st!", "2nd!", "3rd!"} {
		send(ctx, t, far, cookie(value))
	}
	for _, value := range []string{"3rd!", "1st!"} {
		if _, err := n.Await(ctx, is(value)); err != nil {
			t.Fatal(err)
		}
	}
	kept := n.Received()
	if len(kept) != 1 || !is("2nd!")(kept[0]) {
		t.Errorf("kept %+v", kept)
	}
	// Await is ended by its context, and what is kept stays.
	brief, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := n.Await(brief, is("4th!")); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "no answer from registrar") {
		t.Errorf("error %v", err)
	}
	// What arrived before the end can still be had behind it.
	if err := far.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Await(ctx, is("4th!")); !errors.Is(err, script.ErrEnded) {
		t.Errorf("error %v, want ErrEnded", err)
	}
	if _, err := n.Await(ctx, is("2nd!")); err != nil {
		t.Errorf("a message that came before the end: %v", err)
	}
	if err, ended := n.Ended(); !ended || err == nil {
		t.Errorf("ended %t, %v", ended, err)
	}
}

func TestAwaitWakesUpForWhatIsYetToCome(t *testing.T) {
	ctx, n, far, _ := pair(t)
	got := make(chan error, 2)
	for _, value := range []string{"one!", "two!"} {
		go func() {
			_, err := n.Await(ctx, is(value))
			got <- err
		}()
	}
	send(ctx, t, far, cookie("two!"))
	send(ctx, t, far, cookie("one!"))
	for range 2 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}

func TestRequestIsAnsweredByTheMessageThatFits(t *testing.T) {
	ctx, n, far, _ := pair(t)
	go func() {
		if _, err := far.Receive(ctx); err == nil {
			send(ctx, t, far, cookie("else"))
			send(ctx, t, far, cookie("mine"))
		}
	}()
	if _, err := n.Request(ctx, cookie("mine"), is("mine")); err != nil {
		t.Error(err)
	}
}

// TestRecorderGetsEveryMessageBothWays, and what cannot be decoded with the reason.
func TestRecorderGetsEveryMessageBothWays(t *testing.T) {
	var taken atomic.Int32
	ctx, n, far, e := pair(t, func(o *script.Options) {
		o.OnMessage = func(_ *script.Node, m wire.Message) bool {
			if is("mine")(m) {
				taken.Add(1)
				return true
			}
			return false
		}
	})
	garbage := []byte{1, 0, 0, 8, 0xff, 0xff, 0, 4} // a registration that has no pool handle
	if err := n.Send(ctx, cookie("out!")); err != nil {
		t.Fatal(err)
	}
	if err := n.SendBytes(ctx, garbage); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{nil, garbage} {
		m, err := far.Receive(ctx)
		if err != nil || (want != nil && string(m.Payload) != string(want)) {
			t.Fatalf("%x, %v", m.Payload, err)
		}
	}
	send(ctx, t, far, cookie("mine"))
	sendBytes(ctx, t, far, garbage)
	send(ctx, t, far, cookie("last"))
	if _, err := n.Await(ctx, is("last")); err != nil {
		t.Fatal(err)
	}
	if kept := n.Received(); len(kept) != 0 || taken.Load() != 1 {
		t.Errorf("kept %+v, %d taken", kept, taken.Load())
	}
	events := e.all()
	for i, want := range []struct {
		from      string
		malformed bool
	}{{"pe alice", false}, {"pe alice", true}, {"registrar", false}, {"registrar", true}, {"registrar", false}} {
		if i >= len(events) {
			t.Fatalf("%d events", len(events))
		}
		got := events[i]
		if got.From != want.from || got.From == got.To || len(got.Payload) == 0 || got.Time.IsZero() ||
			(got.Message == nil) != want.malformed || (got.Err != nil) != want.malformed {
			t.Errorf("event %d: %+v", i, got)
		}
	}
}

// TestEndOfTheAssociationEndsTheReader: goleak looks, and the far end hears how.
func TestEndOfTheAssociationEndsTheReader(t *testing.T) {
	for _, row := range []struct {
		name    string
		end     func(context.Context, *script.Node)
		aborted bool
	}{
		{"Close", func(ctx context.Context, n *script.Node) { n.Close(ctx) }, false},
		{"Abort", func(_ context.Context, n *script.Node) { n.Abort() }, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, n, far, _ := pair(t)
			ended := make(chan error, 1)
			go func() {
				_, err := far.Receive(ctx)
				ended <- err
			}()
			row.end(ctx, n)
			if err := <-ended; errors.Is(err, association.ErrAborted) != row.aborted {
				t.Errorf("the far end hears %v", err)
			}
			if err := n.Send(ctx, cookie("late")); err == nil {
				t.Error("a message can be sent after the end")
			}
			row.end(ctx, n) // once more does no harm
		})
	}
}

func TestOpenTellsWhereItFailed(t *testing.T) {
	at := netip.AddrPortFrom(host(), 3863)
	_, err := script.Open(t.Context(), script.Options{Name: "pe alice", Door: script.Door{Protocol: wire.ASAP, Transport: association.TCP, Addr: at}})
	if err == nil || !strings.Contains(err.Error(), "pe alice") || !strings.Contains(err.Error(), at.String()) || !errors.Is(err, association.ErrAborted) {
		t.Errorf("error %v", err)
	}
}
