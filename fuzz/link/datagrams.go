// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// maxDatagram is what a UDP datagram over IPv4 has room for, in octets.
const maxDatagram = 65507

// datagrams is an association with a UDP door, as far as there can be one: what is sent goes out as
// datagrams, and what comes back belongs to nothing.
type datagrams struct {
	d    *association.Datagram
	to   netip.AddrPort
	done chan struct{}
	once sync.Once
}

// Send sends a datagram; what is too long for one cannot be sent.
func (d *datagrams) Send(ctx context.Context, m association.Message) error {
	if len(m.Payload) > maxDatagram {
		return nil
	}
	return d.d.Send(ctx, m.Payload, d.to)
}

// Receive returns the next datagram, whoever sent it.
func (d *datagrams) Receive(ctx context.Context) (association.Message, error) {
	b, _, err := d.d.Receive(ctx)
	return association.Message{Payload: b}, err
}

// Close closes the socket.
func (d *datagrams) Close(context.Context) error {
	var err error
	d.once.Do(func() {
		err = d.d.Close()
		close(d.done)
	})
	return err
}

// Abort closes the socket.
func (d *datagrams) Abort(string) error { return d.Close(context.Background()) }

// Done is closed when the socket is.
func (d *datagrams) Done() <-chan struct{} { return d.done }

// Err is ErrClosed after the end.
func (d *datagrams) Err() error {
	select {
	case <-d.done:
		return association.ErrClosed
	default:
		return nil
	}
}

// Info has the addresses.
func (d *datagrams) Info() association.Info {
	return association.Info{Transport: association.UDP, Local: d.d.Local(), Remote: d.to}
}

// openDatagrams opens a socket towards a UDP door, and the link to the witness.
func (s *System) openDatagrams(ctx context.Context, c conversation.Caller, known conversation.Values, evidence Evidence) (*Link, error) {
	if s.Witness == nil {
		return nil, fmt.Errorf("%w: nobody can tell what came of datagrams", ErrNoDoor)
	}
	door, err := s.door(c)
	if err != nil {
		return nil, err
	}
	var local netip.Addr
	if s.Local != nil {
		local = s.Local()
	}
	if !local.IsValid() {
		local = sctp.SourceFor(door.Addr.Addr(), netip.IPv4Unspecified())
	}
	config := association.DatagramConfig{Local: netip.AddrPortFrom(local, 0)}
	if evidence != nil { // an interface that holds nothing would be called
		config.Tap = evidence
	}
	socket, err := association.ListenDatagram(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", c, door.Addr, err)
	}
	witness, err := s.Open(ctx, *s.Witness, known, evidence)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	known.Address = socket.Local().Addr().Unmap()
	s.own.Store(known.Address, nil)
	return &Link{Caller: c, Values: known, system: s, assoc: &datagrams{d: socket, to: door.Addr, done: make(chan struct{})}, witness: witness}, nil
}

// testify sends the groups as datagrams and asks the witness: who answers an honest question at
// another door lives, and has most likely dealt with what came before it.
func (l *Link) testify(ctx context.Context, groups []Group, results []Result) []Result {
	if err := l.send(ctx, groups, make([]asked, len(groups))); err != nil {
		l.ended = err
		for i := range results {
			results[i].Ended = err
		}
		return results
	}
	began := time.Now()
	answer := l.witness.Exchange(ctx, []Group{{}}, nil)[0]
	if answer.Ended != nil {
		l.ended = answer.Ended
	}
	for i := range results {
		results[i] = Result{Done: answer.Done, Ended: answer.Ended, Took: time.Since(began)}
	}
	results[0].Silent = answer.Silent
	return results
}
