// SPDX-License-Identifier: Apache-2.0

// Package script gives scripted RSerPool nodes, honest ones and attackers, one association:
// it opens it, sends what it is told, keeps what arrives until somebody asks for it, and
// hands everything to a recorder as evidence.
package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Event is one message as a node sent or received it, before encryption.
type Event struct {
	Time     time.Time
	From, To string
	Door     Door
	Message  wire.Message // nil when Payload cannot be decoded
	Payload  []byte
	Err      error // why it cannot be decoded
}

// Recorder keeps the evidence: wire traffic, key log lines and messages. Its methods are
// called from many goroutines.
type Recorder interface {
	association.Tap
	io.Writer // NSS key log
	Message(Event)
}

// Options describe a node.
type Options struct {
	Name  string // as reports show it: "pe alice", "attacker"
	Peer  string // whom it speaks with: "registrar"
	Door  Door
	Local netip.Addr // zero: the system chooses
	// TLS is the credential and the parameters; nil speaks in clear. Open adds the key log.
	TLS      *tlspsk.Config
	Wrap     func(net.Conn) net.Conn // on-path position, see association.Dialer
	Hostile  bool                    // it is an attacker's
	Wire     wire.Options
	Recorder Recorder
	// OnPayload sees everything as it came, before it is decoded; true means that it is
	// dealt with. It is for user data, which is no message of ASAP or ENRP.
	OnPayload func(n *Node, m association.Message) bool
	// OnMessage sees every message before it is kept; true means that it is dealt with.
	OnMessage func(n *Node, m wire.Message) bool
}

// ErrEnded is returned when the association ended while something was expected from it.
var ErrEnded = errors.New("the association ended")

// Node is one open association.
type Node struct {
	opts   Options
	assoc  association.Association
	cancel context.CancelFunc
	done   chan struct{} // closed when the reader has ended

	mu      sync.Mutex
	inbox   []wire.Message
	arrived chan struct{} // closed and replaced when the inbox grows
	err     error         // why the reader ended
}

// Open dials the door. The error tells transport, address and, where there is one, the alert.
func Open(ctx context.Context, o Options) (*Node, error) {
	d := association.Dialer{
		Transport: o.Door.Transport, Local: o.Local, UDPPort: o.Door.EncapsulationPort,
		PPID: o.Door.Protocol.PPID(), Tap: o.Recorder, Wrap: Position(o.Recorder, o.Hostile, o.Wrap),
	}
	if o.TLS != nil {
		o.TLS.KeyLog = o.Recorder
		o.TLS.Messages = o.Door.Transport != association.TCP
		d.TLS = o.TLS
	}
	a, err := d.Dial(ctx, o.Door.Addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %s at %s: %w", o.Name, o.Door, o.Door.Addr, err)
	}
	n, read := newNode(ctx, o, a)
	go read()
	return n, nil
}

// newNode returns a node and what reads from its association; ctx gives its values only.
func newNode(ctx context.Context, o Options, a association.Association) (n *Node, read func()) {
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n = &Node{opts: o, assoc: a, cancel: cancel, done: make(chan struct{}), arrived: make(chan struct{})}
	return n, func() { n.read(reading) }
}

// Name returns the name that the node was opened with.
func (n *Node) Name() string { return n.opts.Name }

// Door returns the door that the node came through.
func (n *Node) Door() Door { return n.opts.Door }

// Info describes the association.
func (n *Node) Info() association.Info { return n.assoc.Info() }

func (n *Node) read(ctx context.Context) {
	defer close(n.done)
	for {
		m, err := n.assoc.Receive(ctx)
		if err != nil {
			n.deliver(nil, err)
			return
		}
		if n.opts.OnPayload != nil && n.opts.OnPayload(n, m) {
			continue
		}
		message, err := wire.Decode(n.opts.Door.Protocol, m.Payload, &n.opts.Wire)
		n.record(n.opts.Peer, n.opts.Name, message, m.Payload, err)
		if err != nil || (n.opts.OnMessage != nil && n.opts.OnMessage(n, message)) {
			continue
		}
		n.deliver(message, nil)
	}
}

func (n *Node) deliver(m wire.Message, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.err = err
	} else if len(n.inbox) < maxInbox {
		n.inbox = append(n.inbox, m)
	}
	close(n.arrived)
	n.arrived = make(chan struct{})
}

// maxInbox bounds what a flooding system under test can make a node keep; a check looks at
// a handful of messages, and the recorder has the rest.
const maxInbox = 16_384

func (n *Node) record(from, to string, m wire.Message, payload []byte, err error) {
	if n.opts.Recorder == nil {
		return
	}
	n.opts.Recorder.Message(Event{Time: time.Now(), From: from, To: to, Door: n.opts.Door, Message: m, Payload: payload, Err: err})
}

// Send encodes and sends m.
func (n *Node) Send(ctx context.Context, m wire.Message) error {
	b, err := m.Append(nil, &n.opts.Wire)
	if err != nil {
		return fmt.Errorf("%s: encode %s: %w", n.opts.Name, m.Name(), err)
	}
	return n.send(ctx, m, b, nil)
}

// SendBytes sends b as it is, legal or not.
func (n *Node) SendBytes(ctx context.Context, b []byte) error {
	m, err := wire.Decode(n.opts.Door.Protocol, b, &n.opts.Wire)
	if err != nil {
		m = nil
	}
	return n.send(ctx, m, b, err)
}

// SendPayload sends user data as it is. It is in the capture, and not among the messages.
func (n *Node) SendPayload(ctx context.Context, m association.Message) error {
	if err := n.assoc.Send(ctx, m); err != nil {
		return fmt.Errorf("%s: send data to %s: %w", n.opts.Name, n.opts.Peer, err)
	}
	return nil
}

// send records before it sends, so that an answer cannot come before its question.
func (n *Node) send(ctx context.Context, m wire.Message, b []byte, malformed error) error {
	n.record(n.opts.Name, n.opts.Peer, m, b, malformed)
	if err := n.assoc.Send(ctx, association.Message{Payload: b, PPID: n.opts.Door.Protocol.PPID()}); err != nil {
		return fmt.Errorf("%s: send to %s: %w", n.opts.Name, n.opts.Peer, err)
	}
	return nil
}

// Await takes the first message that match accepts, kept or yet to come. It ends with ctx,
// or with ErrEnded when the association has ended and no such message is left.
func (n *Node) Await(ctx context.Context, match func(wire.Message) bool) (wire.Message, error) {
	for {
		n.mu.Lock()
		for i, m := range n.inbox {
			if match(m) {
				n.inbox = append(n.inbox[:i], n.inbox[i+1:]...)
				n.mu.Unlock()
				return m, nil
			}
		}
		err, arrived := n.err, n.arrived
		n.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", n.opts.Name, ErrEnded, err)
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: no answer from %s: %w", n.opts.Name, n.opts.Peer, ctx.Err())
		}
	}
}

// Request sends m and awaits the answer that match accepts.
func (n *Node) Request(ctx context.Context, m wire.Message, match func(wire.Message) bool) (wire.Message, error) {
	if err := n.Send(ctx, m); err != nil {
		return nil, err
	}
	return n.Await(ctx, match)
}

// Received returns the messages that have arrived and were not taken, without taking them.
func (n *Node) Received() []wire.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]wire.Message(nil), n.inbox...)
}

// Drain takes all messages that have arrived.
func (n *Node) Drain() []wire.Message {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.inbox
	n.inbox = nil
	return all
}

// Ended tells whether the far end has ended the association, and how.
func (n *Node) Ended() (error, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err, n.err != nil
}

// Close ends the association gracefully, as long as ctx allows, and waits for the reader.
func (n *Node) Close(ctx context.Context) {
	if err := n.assoc.Close(ctx); err != nil {
		_ = n.assoc.Abort("closing") // it did not end gracefully; nothing more can be done
	}
	n.cancel()
	<-n.done
}

// Abort ends the association at once and waits for the reader.
func (n *Node) Abort() {
	_ = n.assoc.Abort("abort") // the association is given up either way
	n.cancel()
	<-n.done
}
