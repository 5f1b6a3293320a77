// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ErrEnded says that the guest is gone: closed, crashed, or powered off.
var ErrEnded = errors.New("guest: ended")

// errAgent marks what the agent could not do, as opposed to not being there.
var errAgent = errors.New("guest agent")

// maxLine bounds one line of the control channel. Requests carry file names and arguments, never output.
const maxLine = 1 << 20

// channel is the host's end of the control channel: requests go out, events find their call.
type channel struct {
	conn io.ReadWriteCloser

	// writing makes each written line whole. It is not mu: the agent may not read before it has been heard.
	writing sync.Mutex

	mu    sync.Mutex // guards all below
	next  uint64
	calls map[uint64]*call
	ended bool

	ready chan struct{} // closed when the agent has said that it reads
	done  chan struct{} // closed when the reader has returned
}

// call is one request on its way.
type call struct {
	id      uint64
	started chan struct{} // closed by the first event, or by the end
	done    chan struct{} // closed by the last event, or by the end
	last    event         // valid after done
	err     error         // valid after done: ErrEnded when the guest went first
}

func newChannel(conn io.ReadWriteCloser) *channel {
	c := &channel{conn: conn, calls: make(map[uint64]*call), ready: make(chan struct{}), done: make(chan struct{})}
	go c.read()
	return c
}

// close ends the channel, which powers the guest off, and waits for the reader.
func (c *channel) close() error {
	err := c.conn.Close()
	<-c.done
	return err
}

// waitReady waits until the agent reads.
func (c *channel) waitReady(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-c.done:
		return ErrEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// isReady reports whether the agent reads, or has read.
func (c *channel) isReady() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// send writes one request and returns its call.
func (c *channel) send(r request) (*call, error) {
	k, err := c.expect()
	if err != nil {
		return nil, err
	}
	r.ID = k.id
	line, err := json.Marshal(r)
	switch {
	case err != nil:
		err = fmt.Errorf("guest: request %s: %w", r.Op, err)
	case len(line) >= maxLine:
		err = fmt.Errorf("guest: request %s of %d bytes: longer than %d", r.Op, len(line), maxLine)
	default:
		c.writing.Lock()
		_, err = c.conn.Write(append(line, '\n'))
		c.writing.Unlock()
		if err != nil {
			err = fmt.Errorf("%w: request %s: %w", ErrEnded, r.Op, err)
		}
	}
	if err != nil {
		c.mu.Lock()
		delete(c.calls, k.id)
		c.mu.Unlock()
		return nil, err
	}
	return k, nil
}

// expect makes the call of a request that is going to be written.
func (c *channel) expect() (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, ErrEnded
	}
	c.next++
	k := &call{id: c.next, started: make(chan struct{}), done: make(chan struct{})}
	c.calls[k.id] = k
	return k, nil
}

// do sends one request and waits for its last event.
func (c *channel) do(ctx context.Context, r request) error {
	k, err := c.send(r)
	if err != nil {
		return err
	}
	select {
	case <-k.done:
		return k.result()
	case <-ctx.Done():
		return fmt.Errorf("guest: %s: %w", r.Op, context.Cause(ctx))
	}
}

// result is what the agent said about a call that is done.
func (k *call) result() error {
	if k.err != nil {
		return k.err
	}
	if k.last.Error != "" {
		return fmt.Errorf("%w: %s", errAgent, k.last.Error)
	}
	return nil
}

// read hands events to their calls until the guest's end closes, and then ends every call.
func (c *channel) read() {
	defer close(c.done)
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil { // anything else is noise on a serial line
			c.deliver(e)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for id, k := range c.calls {
		k.err = ErrEnded
		c.finish(id, k)
	}
}

func (c *channel) deliver(e event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.calls[e.ID]
	switch {
	case e.Kind == eventReady:
		closeOnce(c.ready)
	case !ok: // its caller has given up, or never was
	case e.Kind == eventStarted:
		closeOnce(k.started)
	default:
		k.last = e
		c.finish(e.ID, k)
	}
}

func (c *channel) finish(id uint64, k *call) {
	delete(c.calls, id)
	closeOnce(k.started)
	close(k.done)
}

// closeOnce closes a channel that only the holder of the lock closes.
func closeOnce(ch chan struct{}) {
	select {
	case <-ch:
	default:
		close(ch)
	}
}
