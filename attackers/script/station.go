// SPDX-License-Identifier: Apache-2.0

package script

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// StationOptions describe a node that others come to: a registrar, or the service of a pool
// element.
type StationOptions struct {
	Name string // as reports show it: "registrar honest", "rogue registrar"
	Peer string // who comes: "pe", "pu"
	// TLS is what the secured doors speak; Listen adds the key log and what the transport
	// needs. Clear doors do without.
	TLS     *tlspsk.Config
	Wrap    func(net.Conn) net.Conn // on-path position, see association.Dialer
	Hostile bool                    // it is an attacker's
	// Gate is a position of the harness itself, which holds back what comes; see Wrap.
	Gate func(net.Conn) net.Conn
	// Data says that it has data beside messages of the door's protocol. Over SCTP in clear
	// the payload protocol identifier tells them apart, and data has none.
	Data     bool
	Wire     wire.Options
	Recorder Recorder
	// OnOpen sees every association when it is set up, before anything is read from it.
	OnOpen func(n *Node)
	// OnPayload and OnMessage are as in Options.
	OnPayload func(n *Node, m association.Message) bool
	OnMessage func(n *Node, m wire.Message) bool
}

// Refusal is an association that was not set up.
type Refusal struct {
	Time   time.Time
	Door   Door
	Remote netip.AddrPort
	Err    error // what the handshake came to, with the alert if there was one
}

// Station takes associations at some doors, all at one address.
type Station struct {
	opts      StationOptions
	doors     []Door
	listeners []association.Listener
	stacks    map[association.Transport]*association.Stack
	cancel    context.CancelFunc
	accepting sync.WaitGroup

	mu      sync.Mutex
	nodes   []*Node
	refused []Refusal
	changed chan struct{} // closed and replaced when nodes or refused grow
}

// Listen opens a station at the given doors. A door with port 0 gets a free one.
func Listen(ctx context.Context, o StationOptions, doors ...Door) (*Station, error) {
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &Station{opts: o, cancel: cancel, stacks: make(map[association.Transport]*association.Stack), changed: make(chan struct{})}
	for _, door := range doors {
		if err := s.open(ctx, serving, door); err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %s at %s: %w", o.Name, door, door.Addr, err)
		}
	}
	return s, nil
}

// open takes associations at one more door. Who comes meanwhile is noted when the door has
// its port.
func (s *Station) open(ctx, serving context.Context, door Door) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.listen(ctx, len(s.doors), door)
	if err != nil {
		return err
	}
	door.Addr = netip.AddrPortFrom(door.Addr.Addr(), l.Addr().Port())
	s.doors, s.listeners = append(s.doors, door), append(s.listeners, l)
	s.accepting.Go(func() { s.accept(serving, door, l) })
	return nil
}

// position is what is between an association and the wire.
func (s *Station) position() func(net.Conn) net.Conn {
	onPath, gate := Position(s.opts.Recorder, s.opts.Hostile, s.opts.Wrap), s.opts.Gate
	switch {
	case gate == nil:
		return onPath
	case onPath == nil:
		return gate
	}
	return func(c net.Conn) net.Conn { return gate(onPath(c)) }
}

// listen opens the n-th door.
func (s *Station) listen(ctx context.Context, n int, door Door) (association.Listener, error) {
	c := association.ListenConfig{
		Transport: door.Transport, Addr: door.Addr, PPID: door.Protocol.PPID(), Wrap: s.position(),
		OnHandshakeError: func(remote netip.AddrPort, err error) { s.refuse(n, remote, err) },
	}
	if s.opts.Data && door.Transport.IsSCTP() && !door.Secured {
		c.PPID = 0
	}
	if s.opts.Recorder != nil { // an interface that holds nothing would be called
		c.Tap = s.opts.Recorder
	}
	if door.Secured {
		c.TLS = s.opts.TLS.Clone()
		c.TLS.Messages = door.Transport.IsSCTP()
		if s.opts.Recorder != nil {
			c.TLS.KeyLog = s.opts.Recorder
		}
	}
	if door.Transport.IsSCTP() {
		if s.stacks[door.Transport] == nil {
			err := patiently(ctx, func() (err error) {
				s.stacks[door.Transport], err = association.NewStack(association.StackConfig{
					Local: door.Addr.Addr(), Transport: door.Transport, UDPPort: door.EncapsulationPort,
				})
				return err
			})
			if err != nil {
				delete(s.stacks, door.Transport)
				return nil, err
			}
		}
		c.Stack = s.stacks[door.Transport]
	}
	return listen(ctx, c)
}

// inUse is how long an address may be in use though its last owner has closed it: a process that
// is being started, such as an adapter, holds copies of all sockets until its program runs.
const (
	inUse     = 2 * time.Second
	inUsePoll = 5 * time.Millisecond
)

// listen begins to take associations, at an address that may just have been given up.
func listen(ctx context.Context, c association.ListenConfig) (l association.Listener, err error) {
	err = patiently(ctx, func() error {
		l, err = association.Listen(ctx, c)
		return err
	})
	return l, err
}

// patiently tries again while an address is in use.
func patiently(ctx context.Context, open func() error) error {
	deadline := time.NewTimer(inUse)
	defer deadline.Stop()
	tick := time.NewTicker(inUsePoll)
	defer tick.Stop()
	for {
		err := open()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

func (s *Station) accept(ctx context.Context, door Door, l association.Listener) {
	for {
		a, err := l.Accept(ctx)
		if err != nil {
			return // closed
		}
		n, read := newNode(ctx, Options{
			Name: s.opts.Name, Peer: s.opts.Peer, Door: door, Wire: s.opts.Wire,
			Recorder: s.opts.Recorder, OnPayload: s.opts.OnPayload, OnMessage: s.opts.OnMessage,
		}, a)
		if s.opts.OnOpen != nil {
			s.opts.OnOpen(n)
		}
		s.mu.Lock()
		s.nodes = append(s.nodes, n)
		s.wake()
		s.mu.Unlock()
		go read()
	}
}

func (s *Station) refuse(n int, remote netip.AddrPort, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.refused) < maxRefused {
		s.refused = append(s.refused, Refusal{Time: time.Now(), Door: s.doors[n], Remote: remote, Err: err})
	}
	s.wake()
}

// maxRefused bounds what a node under test that tries for ever can make a station keep.
const maxRefused = 4096

// wake tells those who wait that something has come. The caller holds s.mu.
func (s *Station) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Doors returns the doors, with the ports that they got.
func (s *Station) Doors() []Door { return append([]Door(nil), s.doors...) }

// Nodes returns all associations that were set up, those that have ended too.
func (s *Station) Nodes() []*Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Node(nil), s.nodes...)
}

// Refused returns the associations that were not set up.
func (s *Station) Refused() []Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Refusal(nil), s.refused...)
}

// AwaitNode waits for an association beyond the first known ones.
func (s *Station) AwaitNode(ctx context.Context, known int) (*Node, error) {
	var n *Node
	err := s.await(ctx, "an association", func() bool {
		if len(s.nodes) > known {
			n = s.nodes[known]
		}
		return n != nil
	})
	return n, err
}

// AwaitRefusal waits for an attempt to come that fails, beyond the first known ones.
func (s *Station) AwaitRefusal(ctx context.Context, known int) (Refusal, error) {
	var r Refusal
	err := s.await(ctx, "an attempt that fails", func() bool {
		if len(s.refused) <= known {
			return false
		}
		r = s.refused[known]
		return true
	})
	return r, err
}

// AwaitAttempt waits until somebody has come, however it ended, beyond known attempts.
func (s *Station) AwaitAttempt(ctx context.Context, known int) error {
	return s.await(ctx, "anybody", func() bool { return len(s.nodes)+len(s.refused) > known })
}

// AwaitOver waits until that many attempts are over: refused, or ended by the far end.
func (s *Station) AwaitOver(ctx context.Context, times int) error {
	if err := s.AwaitAttempt(ctx, times-1); err != nil {
		return err
	}
	for _, n := range s.Nodes() {
		_, err := n.Await(ctx, func(wire.Message) bool { return false })
		if _, ended := n.Ended(); !ended {
			return err
		}
	}
	return nil
}

// Attempts counts who has come, however it ended.
func (s *Station) Attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.nodes) + len(s.refused)
}

func (s *Station) await(ctx context.Context, what string, there func() bool) error {
	for {
		s.mu.Lock()
		ok, changed := there(), s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s: waiting for %s: %w", s.opts.Name, what, ctx.Err())
		}
	}
}

// Close ends all associations at once and gives the doors back. It waits for everything.
func (s *Station) Close() {
	s.cancel()
	for _, l := range s.listeners {
		_ = l.Close() // there is nothing else to do with it
	}
	s.accepting.Wait()
	for _, n := range s.Nodes() {
		n.Abort()
	}
	for _, stack := range s.stacks {
		_ = stack.Close()
	}
}
