// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// call makes a request and waits for its answer.
//
// The adapter is told how long the harness waits. One that has not answered a grace later is
// taken to hang and cannot be used any more: its silence would otherwise look like that of
// the system under test. When ctx ends first, the request is taken back.
func (a *adapter) call(ctx context.Context, r adapterRequest) (json.RawMessage, error) {
	limit := a.timeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = max(min(limit, time.Until(deadline)), time.Millisecond)
	}
	r.Timeout = limit.Milliseconds()
	c, err := a.expect(&r)
	if err != nil {
		return nil, err
	}
	if err := a.write(r); err != nil {
		return nil, err
	}
	overdue := time.NewTimer(limit + a.grace)
	defer overdue.Stop()
	select {
	case l := <-c.answered:
		return a.result(ctx, r, l)
	case <-a.done:
		return nil, a.failure()
	case <-overdue.C:
		return nil, a.hangs(r, limit)
	case <-ctx.Done():
	}
	if slices.Contains(a.hello.Operations, opCancel) {
		overdue.Reset(a.grace)
	}
	if err := a.cancel(r.ID); err != nil {
		return nil, err
	}
	select {
	case l := <-c.answered:
		return a.result(ctx, r, l)
	case <-a.done:
		return nil, a.failure()
	case <-overdue.C:
		return nil, a.hangs(r, limit)
	}
}

// expect gives a request its number.
func (a *adapter) expect(r *adapterRequest) (*adapterCall, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return nil, a.broken
	}
	a.next++
	r.ID = a.next
	c := &adapterCall{op: r.Op, answered: make(chan adapterLine, 1)}
	a.pending[r.ID] = c
	return c, nil
}

// cancel takes a request back; it is answered all the same.
func (a *adapter) cancel(id uint64) error {
	r := adapterRequest{Op: opCancel, Request: id}
	if _, err := a.expect(&r); err != nil {
		return err
	}
	return a.write(r)
}

// write sends a line. An adapter that does not read for as long as it may take to answer hangs.
func (a *adapter) write(r adapterRequest) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrAdapter, r.Op, err)
	}
	a.writing.Lock()
	defer a.writing.Unlock()
	_ = a.stdin.SetWriteDeadline(time.Now().Add(a.timeout)) // pipes have deadlines
	if _, err := a.stdin.Write(append(line, '\n')); err != nil {
		select {
		case <-a.done: // why it cannot be written to is known
			return a.failure()
		case <-a.group.exited:
			<-a.done
			return a.failure()
		case <-time.After(a.grace):
			return a.fail(fmt.Errorf("%w: it does not read its standard input: %s: %w", ErrAdapter, r.Op, err))
		}
	}
	return nil
}

func (a *adapter) hangs(r adapterRequest, limit time.Duration) error {
	return a.fail(fmt.Errorf("%w: it hangs: it had %s for %s (request %d) and has not answered %s later",
		ErrAdapter, limit.Round(time.Millisecond), r.Op, r.ID, a.grace))
}

// result turns an answer into a result or an error.
func (a *adapter) result(ctx context.Context, r adapterRequest, l adapterLine) (json.RawMessage, error) {
	if l.Error == nil {
		return l.Result, nil
	}
	message := a.secrets.text(l.Error.Message)
	switch l.Error.Code {
	case codeUnsupported:
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, message)
	case codeFailed:
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrNode, message, err)
		}
		return nil, fmt.Errorf("%w: %s", ErrNode, message)
	case codeInvalid:
		return nil, fmt.Errorf("%w: it cannot make sense of %s (request %d): %s", ErrAdapter, r.Op, r.ID, message)
	}
	return nil, a.fail(fmt.Errorf("%w: it answered %s (request %d) with the unknown code %q", ErrAdapter, r.Op, r.ID, l.Error.Code))
}

// opUnknown is an operation that there is not; every adapter has to say so.
const opUnknown = "no-such-operation"

// ping tells whether the adapter keeps to the protocol now.
func (a *adapter) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.grace)
	defer cancel()
	_, err := a.call(ctx, adapterRequest{Op: opUnknown})
	switch {
	case errors.Is(err, ErrUnsupported):
		return a.failure() // it may have gone on to say that nothing is
	case err == nil:
		return fmt.Errorf("%w: it claims to have done the operation %q, which there is not; the answer must be %q", ErrAdapter, opUnknown, codeUnsupported)
	}
	return fmt.Errorf("%w: asked for the operation %q, which there is not, it did not answer %q: %w", ErrAdapter, opUnknown, codeUnsupported, err)
}
