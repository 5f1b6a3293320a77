// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// ControlEnv names the control socket in the environment of a command that Supervise runs. With it any program, in the
// namespace or not, can start, stop and reset the system under test.
const ControlEnv = "RSPTHREAT_GUEST"

const (
	// maxOrder bounds one order of a client: file names and arguments.
	maxOrder = 1 << 16
	// orderTimeout is for a client to send its order, which it does at once.
	orderTimeout = 5 * time.Second
)

// errOrder is an order that a control socket does not know.
var errOrder = errors.New("not one of start, stop, reset, settle, ready, log, console, exec, pipe")

// order is what a client asks for; reply is what it gets.
type order struct {
	Op   string   `json:"op"`
	Args []string `json:"args,omitempty"`
}

type reply struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

// Control serves orders about a guest on a Unix socket.
type Control struct {
	guest    *Guest
	listener *net.UnixListener
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
}

// Serve opens a control socket in Guest.Dir. Close it before the guest.
func (g *Guest) Serve() (*Control, error) {
	addr := &net.UnixAddr{Name: filepath.Join(g.dir, "control"), Net: "unix"}
	l, err := net.ListenUnix(addr.Net, addr)
	if err != nil {
		return nil, fmt.Errorf("guest: control socket: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Control{guest: g, listener: l, cancel: cancel}
	c.tasks.Go(func() { c.accept(ctx) })
	return c, nil
}

// Path is the socket, the value of ControlEnv.
func (c *Control) Path() string { return c.listener.Addr().String() }

// Close cancels the orders at work and waits for them.
func (c *Control) Close() error {
	c.cancel()
	err := c.listener.Close()
	c.tasks.Wait()
	return err
}

func (c *Control) accept(ctx context.Context) {
	for {
		conn, err := c.listener.AcceptUnix()
		if err != nil {
			return // closed
		}
		c.tasks.Go(func() {
			defer conn.Close() // the reply is written, or its reader is gone
			stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
			defer stop()
			c.serve(ctx, conn)
		})
	}
}

// serve reads and carries out one order. Whether its client hears the answer is the client's affair.
func (c *Control) serve(ctx context.Context, conn net.Conn) {
	limited := &io.LimitedReader{R: conn, N: maxOrder}
	frames := json.NewDecoder(limited)
	o, err := readOrder(conn, frames)
	switch {
	case err != nil:
		_ = json.NewEncoder(conn).Encode(reply{Error: err.Error()})
	case o.Op == opPipe:
		limited.N = math.MaxInt64
		c.pipe(ctx, frames, conn, o.Args)
	default:
		_ = json.NewEncoder(conn).Encode(c.answer(ctx, conn, o))
	}
}

func readOrder(conn net.Conn, from *json.Decoder) (order, error) {
	var o order
	if err := conn.SetReadDeadline(time.Now().Add(orderTimeout)); err != nil {
		return o, err
	}
	if err := from.Decode(&o); err != nil {
		return o, err
	}
	return o, conn.SetReadDeadline(time.Time{})
}

// answer carries out an order that has one answer.
func (c *Control) answer(ctx context.Context, conn net.Conn, o order) reply {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.tasks.Go(func() { // a client that goes takes its order back; ends when conn is closed
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	})
	output, err := c.guest.carryOut(ctx, o)
	r := reply{Output: output}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (g *Guest) carryOut(ctx context.Context, o order) (string, error) {
	switch o.Op {
	case "start":
		return "", g.StartRegistrars(ctx)
	case "stop":
		return "", g.StopRegistrars()
	case "reset":
		return "", g.Reset(ctx)
	case "settle":
		return "", g.Settle(ctx)
	case "ready":
		return "", g.Ready(ctx)
	case "log":
		return g.Log()
	case "console":
		return g.Console()
	case "exec":
		return g.Exec(ctx, o.Args...)
	}
	return "", fmt.Errorf("guest: order %q: %w", o.Op, errOrder)
}

// Order sends one order to a control socket, the words of Guest's methods in lower case: start, stop, reset, settle,
// ready, log, console, or exec with the command as args. It returns the output also when there is an error.
func Order(ctx context.Context, socket, op string, args ...string) (string, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return "", fmt.Errorf("guest: control socket: %w", err)
	}
	defer conn.Close() // one order a connection
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	var r reply
	if err := json.NewEncoder(conn).Encode(order{Op: op, Args: args}); err != nil {
		return "", fmt.Errorf("guest: order %s: %w", op, err)
	}
	if err := json.NewDecoder(conn).Decode(&r); err != nil {
		return "", errors.Join(fmt.Errorf("guest: order %s: %w", op, err), context.Cause(ctx))
	}
	if r.Error != "" {
		return r.Output, errors.New(r.Error)
	}
	return r.Output, nil
}
