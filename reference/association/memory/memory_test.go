// SPDX-License-Identifier: Apache-2.0

package memory_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
)

// It behaves as association.Association says, as far as one process can.
var _ association.Association = (*memory.Association)(nil)

func TestWhatWasSentBeforeTheEndArrives(t *testing.T) {
	a, b := memory.Pair(association.Info{Secured: true}, association.Info{})
	if err := a.Send(t.Context(), association.Message{Payload: []byte("last words"), PPID: 11}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m, err := b.Receive(t.Context()); err != nil || string(m.Payload) != "last words" || m.PPID != 11 {
		t.Fatalf("received %+v, %v", m, err)
	}
	if _, err := b.Receive(t.Context()); err != io.EOF {
		t.Fatalf("after the end: %v, want io.EOF", err)
	}
	if _, err := a.Receive(t.Context()); !errors.Is(err, association.ErrClosed) {
		t.Fatalf("at the end that closed: %v, want ErrClosed", err)
	}
	if !a.Info().Secured || b.Info().Secured {
		t.Fatal("each end shows its own Info")
	}
}

func TestAbortAndCutAreTold(t *testing.T) {
	a, b := memory.Pair(association.Info{}, association.Info{})
	a.Cut()
	if err := b.Send(t.Context(), association.Message{}); !errors.Is(err, association.ErrUnreachable) || b.Err() != nil {
		t.Fatalf("send over a cut path: %v, ended: %v", err, b.Err())
	}
	if err := a.Abort("test"); err != nil {
		t.Fatal(err)
	}
	<-b.Done()
	if err := b.Err(); !errors.Is(err, association.ErrAborted) {
		t.Fatalf("after an abort: %v", err)
	}
}

func TestReceiveHonoursItsContext(t *testing.T) {
	a, b := memory.Pair(association.Info{}, association.Info{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := b.Send(t.Context(), association.Message{Payload: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if m, err := a.Receive(t.Context()); err != nil || string(m.Payload) != "x" {
		t.Fatalf("the association did not go on: %v", err)
	}
}
