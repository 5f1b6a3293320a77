// SPDX-License-Identifier: Apache-2.0

package backlog_test

import (
	"encoding/binary"
	"testing"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/reference/association/backlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLimit(t *testing.T) {
	q := backlog.New(2)
	if _, ok := q.Pop(); ok {
		t.Error("a new queue has an item")
	}
	if !q.Push([]byte("a")) || !q.Push([]byte("b")) || q.Push([]byte("c")) {
		t.Error("a queue for two does not take two")
	}
	if b, _ := q.Pop(); string(b) != "a" {
		t.Errorf("first %q", b)
	}
	if !q.Push([]byte("d")) {
		t.Error("no room after an item was taken")
	}
	for _, want := range []string{"b", "d"} {
		if b, _ := q.Pop(); string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
}

// Nobody waits for an item that is there, and none is lost or changes places.
func TestOneTakesWhileOthersAdd(t *testing.T) {
	const items = 10_000
	q := backlog.New(items)
	go func() {
		for i := range uint32(items) {
			q.Push(binary.BigEndian.AppendUint32(nil, i))
		}
	}()
	for next := uint32(0); next < items; {
		b, ok := q.Pop()
		if !ok {
			<-q.Some()
			continue
		}
		if got := binary.BigEndian.Uint32(b); got != next {
			t.Fatalf("got item %d, want %d", got, next)
		}
		next++
	}
}
