// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// FuzzFraming gives the input to an association as what arrives over TCP, in segments that the
// input decides on: the messages found are those of the stream, and the association ends with
// the right reason. Sent back, they are the same octets.
func FuzzFraming(data []byte) int { return framing(data, dialTCP) }

// dialer opens an association whose octets come from and go to what wrap returns.
type dialer func(ctx context.Context, l association.Limits, wrap func(net.Conn) net.Conn) (association.Association, error)

// patience is how long the framing of octets in memory may take; it is never waited for unless
// the association hangs.
const patience = 10 * time.Second

func framing(data []byte, dial dialer) int {
	d := &decisions{data}
	limits := association.Limits{MaxMessage: pick(d, []int{8, 64, 4096, association.DefaultMaxMessage}), ReadQueue: 4}
	segments := &segments{sizes: d.take(int(d.octet() % 16)), stream: d.rest, drained: make(chan struct{})}
	want, reason := messagesOf(segments.stream, limits.MaxMessage)

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := dial(ctx, limits, segments.wrap)
	if err != nil {
		panic(err)
	}
	defer a.Abort("end of the input")
	defer segments.drain()
	for i, b := range want {
		m, err := a.Receive(ctx)
		if err != nil || !bytes.Equal(m.Payload, b) || m.PPID != wire.PPIDASAP {
			panic(fmt.Sprintf("message %d is %x, %v, want %x", i, m.Payload, err, b))
		}
		if reason == association.ErrLength {
			continue // the association may have ended already
		}
		if err := a.Send(ctx, m); err != nil {
			panic(fmt.Sprintf("message %d cannot be sent back: %v", i, err))
		}
	}
	segments.drain()
	if m, err := a.Receive(ctx); !errors.Is(err, reason) {
		panic(fmt.Sprintf("after %d messages: %x, %v, want %v", len(want), m.Payload, err, reason))
	}
	if sent := slices.Concat(want...); reason != association.ErrLength && !bytes.Equal(segments.sent, sent) {
		panic(fmt.Sprintf("sent back as %x, want %x", segments.sent, sent))
	}
	return min(len(want), 1)
}

// messagesOf cuts the stream into messages and says why it ends.
func messagesOf(stream []byte, limit int) (list [][]byte, reason error) {
	for len(stream) > 0 {
		n := messageLength(stream)
		padded := (n + 3) &^ 3
		switch {
		case n < 0:
			return list, io.ErrUnexpectedEOF
		case n < wire.HeaderLength || padded > limit:
			return list, association.ErrLength
		case padded > len(stream):
			return list, io.ErrUnexpectedEOF
		}
		list = append(list, stream[:padded])
		stream = stream[padded:]
	}
	return list, io.EOF
}

// dialTCP opens an association over loopback, since an association opens its connection itself,
// and puts the connection that wrap returns in its place. Nobody has to accept it.
func dialTCP(ctx context.Context, l association.Limits, wrap func(net.Conn) net.Conn) (association.Association, error) {
	door, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	defer door.Close()
	d := association.Dialer{Transport: association.TCP, PPID: wire.PPIDASAP, Limits: l, Wrap: wrap, Liveness: association.NoLiveness}
	return d.Dial(ctx, door.Addr().(*net.TCPAddr).AddrPort())
}

// segments is a connection on which the stream arrives in segments, and ends when all that
// was to be sent has been sent.
type segments struct {
	net.Conn
	sizes   []byte // of the segments, in turn; 0 is all the rest
	next    int
	stream  []byte
	drained chan struct{}
	once    sync.Once
	sent    []byte // complete once the association has ended
}

// drain ends the stream.
func (s *segments) drain() { s.once.Do(func() { close(s.drained) }) }

func (s *segments) wrap(c net.Conn) net.Conn {
	s.Conn = c
	return s
}

func (s *segments) Read(b []byte) (int, error) {
	if len(s.stream) == 0 {
		<-s.drained
		return 0, io.EOF
	}
	if len(s.sizes) > 0 {
		size := int(s.sizes[s.next%len(s.sizes)])
		s.next++
		if size > 0 {
			b = b[:min(size, len(b))]
		}
	}
	n := copy(b, s.stream)
	s.stream = s.stream[n:]
	return n, nil
}

func (s *segments) Write(b []byte) (int, error) {
	s.sent = append(s.sent, b...)
	return len(b), nil
}

// SetReadDeadline does nothing: what is in memory is there in time.
func (s *segments) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetReadDeadline.
func (s *segments) SetWriteDeadline(time.Time) error { return nil }
