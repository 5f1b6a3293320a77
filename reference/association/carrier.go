// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// carrier is the Association of this package. Its one goroutine reads until the
// end and then frees everything; whoever ends the association first says why.
type carrier struct {
	t      transport
	conn   net.Conn    // what the codec writes to: for deadlines
	secure tlspsk.Conn // nil in clear
	codec  codec
	info   Info
	limits Limits
	ended  func() // called at the end, may be nil

	sending chan struct{} // holds a token while a message is being written
	queue   chan Message

	mu      sync.Mutex
	cause   error
	closing chan struct{} // closed by part: no more sends, discard what arrives
	parted  chan struct{} // closed when the one who won part has said goodbye
	left    error         // what ended reading after a Close
	done    chan struct{}
}

// start runs an association.
func (a *carrier) start() {
	a.sending = make(chan struct{}, 1)
	a.queue = make(chan Message, a.limits.ReadQueue)
	a.closing, a.parted, a.done = make(chan struct{}), make(chan struct{}), make(chan struct{})
	go a.run()
}

// run reads messages until the end.
func (a *carrier) run() {
	for {
		m, err := a.codec.read()
		if err != nil {
			a.finish(a.t.explain(err))
			return
		}
		select {
		case a.queue <- m:
		case <-a.closing:
		}
	}
}

// part ends the association for a reason; only the first caller gets true, and
// must close parted unless it is finish.
func (a *carrier) part(cause error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause != nil {
		return false
	}
	a.cause = cause
	close(a.closing)
	return true
}

// finish frees everything after the last read.
func (a *carrier) finish(err error) {
	switch {
	case !a.part(err):
		<-a.parted
		a.left = err
	case errors.Is(err, io.EOF):
		ctx, cancel := context.WithTimeout(context.Background(), a.limits.CloseTimeout)
		if a.goodbye(ctx) != nil {
			a.t.abort("close not completed")
		}
		cancel()
	default:
		a.t.abort(err.Error())
	}
	a.t.release()
	_ = a.conn.Close() // a Wrap may hold something
	close(a.done)
	if a.ended != nil {
		a.ended()
	}
}

// goodbye ends the sending side after what is being sent.
func (a *carrier) goodbye(ctx context.Context) error {
	select {
	case a.sending <- struct{}{}: // for good
	case <-ctx.Done():
		return ctx.Err()
	}
	if a.secure != nil {
		stop := context.AfterFunc(ctx, func() { _ = a.conn.SetWriteDeadline(time.Unix(1, 0)) })
		_ = a.secure.CloseNotify() // an end that the peer no longer hears is no failure
		stop()
	}
	return a.t.shutdown(ctx)
}

// Send implements Association.
func (a *carrier) Send(ctx context.Context, m Message) error {
	if len(m.Payload) == 0 {
		return fmt.Errorf("association: send: %w", ErrEmpty)
	}
	ctx, cancel := context.WithTimeout(ctx, a.limits.SendTimeout)
	defer cancel()
	select {
	case a.sending <- struct{}{}:
	case <-a.closing:
		return a.refuse()
	case <-ctx.Done():
		return fmt.Errorf("association: send: %w", ctx.Err())
	}
	defer func() { <-a.sending }()
	select {
	case <-a.closing:
		return a.refuse()
	default:
	}
	return a.write(ctx, m)
}

// refuse returns the error of a Send after the end.
func (a *carrier) refuse() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if errors.Is(a.cause, ErrClosed) {
		return fmt.Errorf("association: send: %w", a.cause)
	}
	return fmt.Errorf("association: send: %w: %w", ErrClosed, a.cause)
}

// write writes a message until ctx ends. The caller holds the token of sending.
func (a *carrier) write(ctx context.Context, m Message) error {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = a.conn.SetWriteDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	sent, err := a.codec.write(m)
	if !stop() {
		<-interrupted
		_ = a.conn.SetWriteDeadline(time.Time{})
		if err != nil && sent {
			a.fail(fmt.Errorf("send cut off: %w", ctx.Err()))
		}
		if err != nil {
			return fmt.Errorf("association: send: %w", ctx.Err())
		}
	}
	if err != nil {
		return fmt.Errorf("association: send: %w", a.t.explain(err))
	}
	return nil
}

// fail aborts for a reason of our own.
func (a *carrier) fail(cause error) {
	if a.part(cause) {
		a.cut(cause.Error())
		close(a.parted)
	}
}

// cut aborts the transport, and wakes a Wrap that holds back what the reader waits for.
func (a *carrier) cut(reason string) {
	a.t.abort(reason)
	_ = a.conn.Close()
}

// Receive implements Association.
func (a *carrier) Receive(ctx context.Context) (Message, error) {
	select { // what has arrived goes before an end
	case m := <-a.queue:
		return m, nil
	default:
	}
	select {
	case m := <-a.queue:
		return m, nil
	case <-a.done:
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
	select {
	case m := <-a.queue:
		return m, nil
	default:
		return Message{}, a.Err()
	}
}

// Close implements Association.
func (a *carrier) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.limits.CloseTimeout)
	defer cancel()
	if !a.part(ErrClosed) {
		select {
		case <-a.done:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("association: close: %w", ctx.Err())
		}
	}
	err := a.goodbye(ctx)
	if err != nil {
		a.cut("close not completed")
	}
	close(a.parted)
	select {
	case <-a.done:
	case <-ctx.Done():
		err = ctx.Err()
		a.cut("close not completed")
		<-a.done
	}
	// After our close_notify the peer's is no longer of interest, and SCTP does
	// not let it through once the peer has our SHUTDOWN.
	if err == nil && a.left != io.EOF && !errors.Is(a.left, io.ErrUnexpectedEOF) {
		err = a.left
	}
	if err != nil {
		return fmt.Errorf("association: close: %w", err)
	}
	return nil
}

// Abort implements Association.
func (a *carrier) Abort(reason string) error {
	won := a.part(fmt.Errorf("%w: %s", ErrClosed, reason))
	a.cut(reason)
	if won {
		close(a.parted)
	}
	<-a.done
	return nil
}

// Done implements Association.
func (a *carrier) Done() <-chan struct{} { return a.done }

// Err implements Association.
func (a *carrier) Err() error {
	select {
	case <-a.done:
		return a.cause
	default:
		return nil
	}
}

// Info implements Association.
func (a *carrier) Info() Info { return a.info }
