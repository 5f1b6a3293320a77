// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// memory is one end of an association in memory, so that protocol timers run in a synctest
// bubble.
type memory struct {
	info    association.Info
	in, out chan association.Message
	done    chan struct{} // shared by both ends
	once    *sync.Once
	end     *error
}

func pair(info association.Info) (far, near *memory) {
	const queue = 4096 // a test sends no more than this before it reads
	a, b := make(chan association.Message, queue), make(chan association.Message, queue)
	done, once, end := make(chan struct{}), &sync.Once{}, new(error)
	return &memory{info, a, b, done, once, end}, &memory{info, b, a, done, once, end}
}

func (m *memory) Send(ctx context.Context, msg association.Message) error {
	select {
	case <-m.done:
		return association.ErrClosed
	case m.out <- msg:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *memory) Receive(ctx context.Context) (association.Message, error) {
	select {
	case msg := <-m.in:
		return msg, nil
	default:
	}
	select {
	case msg := <-m.in:
		return msg, nil
	case <-m.done:
		return association.Message{}, *m.end
	case <-ctx.Done():
		return association.Message{}, ctx.Err()
	}
}

func (m *memory) finish(err error) error {
	m.once.Do(func() { *m.end = err; close(m.done) })
	return nil
}

func (m *memory) Close(context.Context) error { return m.finish(io.EOF) }
func (m *memory) Abort(string) error          { return m.finish(association.ErrAborted) }
func (m *memory) Done() <-chan struct{}       { return m.done }
func (m *memory) Err() error                  { return *m.end }
func (m *memory) Info() association.Info      { return m.info }

// node is the far end of an association with the element.
type node struct {
	t     *testing.T
	assoc *memory
}

func (n *node) send(messages ...wire.Message) {
	n.t.Helper()
	for _, m := range messages {
		b, err := m.Append(nil, &wire.Options{KeepAlivePEID: true})
		if err != nil {
			n.t.Fatal(err)
		}
		n.sendBytes(b)
	}
}

func (n *node) sendBytes(b []byte) {
	n.t.Helper()
	if err := n.assoc.Send(n.t.Context(), association.Message{Payload: b, PPID: wire.PPIDASAP}); err != nil {
		n.t.Fatal(err)
	}
}

// next returns the next message, or nil when the association has ended.
func (n *node) next() wire.Message {
	n.t.Helper()
	m, err := n.assoc.Receive(n.t.Context())
	if err != nil {
		return nil
	}
	message, err := wire.Decode(wire.ASAP, m.Payload, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if m.PPID != 11 { // RFC 5352 section 5.1
		n.t.Fatalf("%s with payload protocol identifier %d, want 11", message.Name(), m.PPID)
	}
	return message
}

// expect returns the next message, which must be an M.
func expect[M wire.Message](n *node) M {
	n.t.Helper()
	got := n.next()
	m, ok := got.(M)
	if !ok {
		n.t.Fatalf("got %T %+v, want %T", got, got, m)
	}
	return m
}

// silent fails when something comes within d of virtual time.
func (n *node) silent(d time.Duration) {
	n.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	select {
	case m := <-n.assoc.in:
		n.t.Fatalf("got % x, want nothing for %s", m.Payload, d)
	default:
	}
}

// ended fails unless the association has ended.
func (n *node) ended() {
	n.t.Helper()
	synctest.Wait()
	select {
	case <-n.assoc.done:
	default:
		n.t.Fatal("the association goes on")
	}
}

// grant takes a registration and answers it.
func (n *node) grant() *wire.Registration {
	n.t.Helper()
	r := expect[*wire.Registration](n)
	n.send(&wire.RegistrationResponse{PoolHandle: r.PoolHandle, PEID: r.Element.ID})
	synctest.Wait()
	return r
}

// serve answers everything in the background until the association ends.
func (n *node) serve() {
	go func() {
		for {
			switch m := n.next().(type) {
			case nil:
				return
			case *wire.Registration:
				n.send(&wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID})
			case *wire.Deregistration:
				n.send(&wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID})
			}
		}
	}()
}
