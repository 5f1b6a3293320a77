// SPDX-License-Identifier: Apache-2.0

package poolelement_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/memory"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// node is the far end of an association with the element.
type node struct {
	t     *testing.T
	assoc *memory.Association
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
	case m := <-n.assoc.Incoming():
		n.t.Fatalf("got % x, want nothing for %s", m.Payload, d)
	default:
	}
}

// ended fails unless the association has ended.
func (n *node) ended() {
	n.t.Helper()
	synctest.Wait()
	select {
	case <-n.assoc.Done():
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
