// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// link is an association in memory, the registrar's end of it. It tells when the registrar has
// dealt with a message, so that an input always has the same effect.
type link struct {
	speaker speaker
	in      chan association.Message
	idle    chan struct{} // the registrar asks for the next message
	done    chan struct{}
	once    sync.Once
	err     error // valid once done is closed

	mu   sync.Mutex
	out  []association.Message
	sent chan struct{} // something came to out
}

// errMute means that an honest node gets no answer from the registrar.
var errMute = errors.New("no answer")

func newLink(s speaker) *link {
	return &link{
		speaker: s, in: make(chan association.Message), idle: make(chan struct{}), done: make(chan struct{}),
		sent: make(chan struct{}, 1),
	}
}

// give hands the message to the registrar and returns when it has dealt with it; false when the
// association has ended.
func (l *link) give(m association.Message) bool {
	select {
	case l.in <- m:
		return l.settled()
	case <-l.done:
		return false
	}
}

// settled waits until the registrar wants a message.
func (l *link) settled() bool {
	select {
	case <-l.idle:
		return true
	case <-l.done:
		return false
	}
}

// Receive returns the next message.
func (l *link) Receive(ctx context.Context) (association.Message, error) {
	if err := ctx.Err(); err != nil { // goes before a message, always
		return association.Message{}, err
	}
	select {
	case l.idle <- struct{}{}:
	case <-l.done:
		return association.Message{}, l.err
	case <-ctx.Done():
		return association.Message{}, ctx.Err()
	}
	select {
	case m := <-l.in:
		return m, nil
	case <-l.done:
		return association.Message{}, l.err
	case <-ctx.Done():
		return association.Message{}, ctx.Err()
	}
}

// Send keeps what the registrar says.
func (l *link) Send(_ context.Context, m association.Message) error {
	l.mu.Lock()
	l.out = append(l.out, m)
	l.mu.Unlock()
	select {
	case l.sent <- struct{}{}:
	default:
	}
	return nil
}

// said returns what the registrar has said since the last call.
func (l *link) said() []association.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.out
	l.out = nil
	return out
}

// ask sends m and returns the first answer of the wanted kind. When the registrar has dealt with the
// message, wait tells how long the answer may take.
func ask[T wire.Message](l *link, m wire.Message, wait func() time.Duration) (answer T, err error) {
	b, err := wire.Encode(m)
	if err != nil {
		return answer, err
	}
	l.give(association.Message{Payload: b, PPID: l.speaker.protocol.PPID()})
	timeout := time.NewTimer(wait())
	defer timeout.Stop()
	for {
		for _, reply := range l.said() {
			got, err := wire.Decode(l.speaker.protocol, reply.Payload, nil)
			if err != nil {
				return answer, err
			}
			if wanted, ok := got.(T); ok {
				return wanted, nil
			}
		}
		select {
		case <-l.sent:
		case <-l.done:
			return answer, l.err
		case <-timeout.C:
			return answer, errMute
		}
	}
}

func (l *link) end(err error) error {
	l.once.Do(func() {
		l.err = err
		close(l.done)
	})
	return nil
}

// Close ends the link.
func (l *link) Close(context.Context) error { return l.end(io.EOF) }

// Abort ends the link.
func (l *link) Abort(string) error { return l.end(association.ErrAborted) }

// Done is closed when the link has ended.
func (l *link) Done() <-chan struct{} { return l.done }

// Err says why, once Done is closed.
func (l *link) Err() error { return l.err }

// Info describes the speaker.
func (l *link) Info() association.Info { return l.speaker.info() }
