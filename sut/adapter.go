// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// ErrAdapter is wrapped by errors about an adapter that does not keep to the protocol or has
// ended. They say nothing about the system under test.
var ErrAdapter = errors.New("adapter")

const (
	// adapterTimeout bounds an answer when the configuration does not; starting a node may
	// take a virtual machine or a container.
	adapterTimeout = 30 * time.Second
	// adapterGrace is how long an adapter may take to answer what was taken back or ran out
	// of its time, and to end when its input has ended.
	adapterGrace = 5 * time.Second
	// maxAdapterLine bounds one line; the longest is the answer to a large message.
	maxAdapterLine = 1 << 20
	// maxQuote bounds how much of a wrong line an error shows.
	maxQuote = 120
)

// adapterOptions say how an adapter is started.
type adapterOptions struct {
	dir     string
	argv    []string
	timeout time.Duration // longest wait for an answer
	grace   time.Duration // how much later it may come, and how long it may take to end
	secrets *redactor
}

// adapter is the harness's end of an adapter that runs: one process for each instance.
type adapter struct {
	adapterOptions
	hello AdapterHello

	group  *group
	stdin  *os.File
	stdout *os.File
	stderr *os.File
	log    lineBuffer     // its standard error
	copied chan struct{}  // closed at the end of its standard error
	output sync.WaitGroup // of what reads its outputs
	reaped func() (left bool)
	done   chan struct{} // closed with broken

	writing sync.Mutex
	mu      sync.Mutex
	next    uint64
	pending map[uint64]*adapterCall
	nodes   map[string]*adapterNode
	closing bool
	broken  error
}

// adapterCall is a request that is not answered yet.
type adapterCall struct {
	op       string
	answered chan adapterLine // holds one
}

// startAdapter starts an adapter and shakes hands with it.
func startAdapter(ctx context.Context, o adapterOptions) (*adapter, error) {
	a := &adapter{
		adapterOptions: o, copied: make(chan struct{}), done: make(chan struct{}),
		pending: make(map[uint64]*adapterCall), nodes: make(map[string]*adapterNode),
	}
	if err := a.start(); err != nil {
		return nil, fmt.Errorf("%w: could not be started: %w", ErrAdapter, err)
	}
	result, err := a.call(ctx, adapterRequest{Op: opHello, Protocol: AdapterProtocol, Harness: "rspthreat"})
	if err == nil {
		err = a.greet(result)
	}
	if err != nil {
		_ = a.close() // the first error is the one to tell
		return nil, err
	}
	return a, nil
}

func (a *adapter) start() error {
	var ends [6]*os.File // read and write end of each
	closeAll := func(files ...*os.File) {
		for _, f := range files {
			if f != nil {
				_ = f.Close()
			}
		}
	}
	for i := 0; i < len(ends); i += 2 {
		var err error
		if ends[i], ends[i+1], err = os.Pipe(); err != nil {
			closeAll(ends[:]...)
			return err
		}
	}
	var err error
	if a.group, err = startGroup(a.dir, a.argv, ends[0], ends[3], ends[5]); err != nil {
		closeAll(ends[:]...)
		return err
	}
	closeAll(ends[0], ends[3], ends[5])
	a.stdin, a.stdout, a.stderr = ends[1], ends[2], ends[4]
	a.reaped = sync.OnceValue(func() bool { return a.group.end(a.grace) })
	a.output.Go(func() {
		defer close(a.copied)
		_, _ = io.Copy(&a.log, a.stderr)
	})
	a.output.Go(func() { a.fail(a.read(a.stdout)) })
	return nil
}

func (a *adapter) greet(result json.RawMessage) error {
	if err := json.Unmarshal(result, &a.hello); err != nil {
		return a.fail(fmt.Errorf("%w: its answer to hello: %w", ErrAdapter, err))
	}
	if a.hello.Protocol != AdapterProtocol {
		return a.fail(fmt.Errorf("%w: it speaks version %d of the protocol, and this program version %d",
			ErrAdapter, a.hello.Protocol, AdapterProtocol))
	}
	return nil
}

// read takes lines until the output of the adapter ends or one of them is wrong.
func (a *adapter) read(from io.Reader) error {
	lines := bufio.NewReaderSize(from, 64<<10)
	for {
		line, err := readLine(lines)
		switch {
		case errors.Is(err, errLongLine):
			return fmt.Errorf("%w: %w", ErrAdapter, err)
		case err != nil:
			return a.obituary()
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		if err := a.take(line); err != nil {
			return fmt.Errorf("%w: %w", ErrAdapter, err)
		}
	}
}

var errLongLine = fmt.Errorf("it printed a line of more than %d bytes; standard output is for messages only", maxAdapterLine)

func readLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, prefix, err := from.ReadLine()
		if err != nil {
			return nil, err
		}
		if line = append(line, part...); !prefix {
			return line, nil
		}
		if len(line) > maxAdapterLine {
			return nil, errLongLine
		}
	}
}

// take deals with one line.
func (a *adapter) take(line []byte) error {
	var l adapterLine
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("it printed %q, which is no message: standard output is for messages, standard error for its log (%w)", a.quote(line), err)
	}
	switch {
	case l.ID != nil:
		return a.answer(*l.ID, l)
	case l.Event == nil && l.Log == nil:
		return fmt.Errorf("it printed %q, which has neither id nor event nor log", a.quote(line))
	}
	a.mu.Lock()
	node := a.nodes[l.Node]
	a.mu.Unlock()
	if node == nil {
		return fmt.Errorf("it tells of node %q, which was never started", l.Node)
	}
	node.hear(l)
	return nil
}

func (a *adapter) quote(line []byte) string {
	s := a.secrets.text(string(line))
	if len(s) > maxQuote {
		s = strings.ToValidUTF8(s[:maxQuote], "") + "..."
	}
	return s
}

func (a *adapter) answer(id uint64, l adapterLine) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	call, ok := a.pending[id]
	switch {
	case ok:
	case id == 0 || id > a.next:
		return fmt.Errorf("it answered request %d, which was never made", id)
	default:
		return fmt.Errorf("it answered request %d twice", id)
	}
	delete(a.pending, id)
	call.answered <- l
	return nil
}

// obituary says why the output of the adapter has ended.
func (a *adapter) obituary() error {
	a.mu.Lock()
	closing := a.closing
	a.mu.Unlock()
	if closing {
		return errClosing
	}
	ctx, cancel := context.WithTimeout(context.Background(), a.grace)
	defer cancel()
	if a.group.wait(ctx) != nil {
		return fmt.Errorf("%w: it closed its standard output and goes on running", ErrAdapter)
	}
	a.reaped()
	select {
	case <-a.copied:
	case <-ctx.Done(): // somebody else holds its standard error
	}
	said := ""
	if lines := a.log.lines(); len(lines) > 0 {
		said = ": " + a.quote([]byte(strings.TrimSpace(lines[len(lines)-1])))
	}
	return deathOf(a.group.status, said)
}

// deathOf tells what an end of the adapter means that nobody asked for.
func deathOf(err error, said string) error {
	var exit exitStatus
	code := adapterExitEnded
	if errors.As(err, &exit) {
		code = exit.code
	}
	switch {
	case code == adapterExitUnsupported:
		return fmt.Errorf("%w: the adapter says so (exit status %d)%s", ErrUnsupported, code, said)
	case code == adapterExitUsage:
		return fmt.Errorf("%w: it does not understand its arguments or configuration (exit status %d)%s", ErrAdapter, code, said)
	case code == adapterExitInternal:
		return fmt.Errorf("%w: it has an error of its own (exit status %d)%s", ErrAdapter, code, said)
	case code < 0:
		return fmt.Errorf("%w: it was ended by a %w%s; if the system under test runs in it, this may be a crash of that", ErrAdapter, err, said)
	case err != nil:
		return fmt.Errorf("%w: it ended by itself (%w)%s", ErrAdapter, err, said)
	}
	return fmt.Errorf("%w: it ended by itself (exit status 0), before its input did%s", ErrAdapter, said)
}

// errClosing is what whoever still waits gets when the harness ends the adapter.
var errClosing = fmt.Errorf("%w: it is being ended", ErrAdapter)

// fail makes the adapter unusable for the first reason that is given, wakes everybody who
// waits for it, and returns that reason.
func (a *adapter) fail(err error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken != nil {
		return a.broken
	}
	a.broken = err
	close(a.done)
	for _, n := range a.nodes {
		n.end()
	}
	return err
}

// failure is why the adapter cannot be used; nil when it can.
func (a *adapter) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// close ends the adapter, gracefully if it ends with its input, and everything that it has
// left in its process group.
func (a *adapter) close() error {
	a.mu.Lock()
	a.closing = true
	a.mu.Unlock()
	a.writing.Lock()
	_ = a.stdin.Close()
	a.writing.Unlock()
	if a.failure() == nil {
		ctx, cancel := context.WithTimeout(context.Background(), a.grace)
		_ = a.group.wait(ctx) // who does not end by itself is ended
		cancel()
	}
	left := a.reaped()
	_, _ = a.stdout.Close(), a.stderr.Close() // a process that has left the group may hold the other ends
	a.output.Wait()
	a.fail(errClosing)
	if left {
		return fmt.Errorf("%w: it left processes behind, which were ended", ErrAdapter)
	}
	return nil
}
