// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// opPipe is the order that has both ends go on talking: the client sends its input, and gets what the command writes.
const opPipe = "pipe"

// pipeFrame is one line after such an order: from the client In or End, to it Out, Err or, at last, Reply.
type pipeFrame struct {
	In    []byte `json:"in,omitempty"`
	End   bool   `json:"end,omitempty"`
	Out   []byte `json:"out,omitempty"`
	Err   []byte `json:"err,omitempty"`
	Reply *reply `json:"reply,omitempty"`
}

// frameWriter writes what it gets in frames.
type frameWriter struct {
	to    *json.Encoder
	frame func([]byte) pipeFrame
}

// Write implements io.Writer.
func (w frameWriter) Write(p []byte) (int, error) {
	if err := w.to.Encode(w.frame(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// serialWriter lets two streams share a connection.
type serialWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *serialWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// pipe carries an order opPipe out; frames is what has read the order.
func (c *Control) pipe(ctx context.Context, frames *json.Decoder, to io.Writer, argv []string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	input, feed := io.Pipe()
	c.tasks.Go(func() {
		defer cancel() // a client that goes takes its order back
		for {
			var f pipeFrame
			if err := frames.Decode(&f); err != nil {
				_ = feed.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			if f.End {
				_ = feed.Close()
				continue // until the client goes
			}
			if _, err := feed.Write(f.In); err != nil {
				continue // the command has ended
			}
		}
	})
	both := &serialWriter{w: to} // an encoder writes a line at once
	err := c.guest.Attach(ctx, Streams{
		In:  input,
		Out: frameWriter{json.NewEncoder(both), func(p []byte) pipeFrame { return pipeFrame{Out: p} }},
		Err: frameWriter{json.NewEncoder(both), func(p []byte) pipeFrame { return pipeFrame{Err: p} }},
	}, argv...)
	_ = input.Close()
	last := reply{}
	if err != nil {
		last.Error = err.Error()
	}
	_ = json.NewEncoder(both).Encode(pipeFrame{Reply: &last}) // or the client is gone
}

// Pipe runs a command in the guest of a control socket with the given streams, as Guest.Attach does. A goroutine may stay
// in a read of s.In.
func Pipe(ctx context.Context, socket string, s Streams, argv ...string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("guest: control socket: %w", err)
	}
	defer conn.Close() // which takes the order back
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	in := json.NewEncoder(conn)
	if err := in.Encode(order{Op: opPipe, Args: argv}); err != nil {
		return fmt.Errorf("guest: order %s: %w", opPipe, err)
	}
	go func() {
		data := make([]byte, inputChunk)
		for {
			n, err := s.In.Read(data)
			if n > 0 && in.Encode(pipeFrame{In: data[:n]}) != nil {
				return
			}
			if err != nil {
				_ = in.Encode(pipeFrame{End: true}) // or nobody is there any more
				return
			}
		}
	}()
	for frames := json.NewDecoder(conn); ; {
		var f pipeFrame
		if err := frames.Decode(&f); err != nil {
			return errors.Join(fmt.Errorf("guest: order %s: %w", opPipe, err), context.Cause(ctx))
		}
		var err error
		switch {
		case len(f.Out) > 0:
			_, err = s.Out.Write(f.Out)
		case len(f.Err) > 0:
			_, err = s.Err.Write(f.Err)
		case f.Reply != nil && f.Reply.Error != "":
			return errors.New(f.Reply.Error)
		case f.Reply != nil:
			return nil
		}
		if err != nil {
			return err
		}
	}
}
