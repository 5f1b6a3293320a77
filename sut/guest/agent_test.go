// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds what takes milliseconds, on a machine with other work.
const patience = 20 * time.Second

// newAgent gives a guest without a kernel: the agent runs here, at the other end of a pipe. hangUp closes the host's
// end and waits for the agent.
func newAgent(t *testing.T) (g *Guest, hangUp func()) {
	t.Helper()
	host, line := net.Pipe()
	ended := make(chan error, 1)
	go func() {
		a := &agent{setup: func(context.Context, *setup) error { return errors.New("no network") }}
		ended <- a.serve(line)
		_ = line.Close()
	}()
	g = &Guest{dir: t.TempDir(), control: newChannel(host)}
	closed := false
	hangUp = func() {
		if closed {
			return
		}
		closed = true
		if err := g.control.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("agent: %v", err)
		}
	}
	t.Cleanup(hangUp)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.control.waitReady(ctx); err != nil {
		t.Fatalf("agent not ready: %v", err)
	}
	return g, hangUp
}

func TestExecGivesOutputAndFailure(t *testing.T) {
	g, _ := newAgent(t)
	long := strings.Repeat("0123456789", 10000)
	for _, c := range []struct {
		name string
		argv []string
		out  string
		err  []string // parts of the error
	}{
		{name: "output", argv: []string{"printf", `a\nb`}, out: "a\nb"},
		{
			name: "status and error output", argv: []string{"sh", "-c", "echo out; echo bad luck >&2; exit 3"}, out: "out\n",
			err: []string{"exit status 3", "bad luck"},
		},
		{name: "signal", argv: []string{"sh", "-c", "kill -9 $$"}, err: []string{"signal: killed"}},
		{name: "no such command", argv: []string{"no-such-command"}, err: []string{"no-such-command", "not found"}},
		{name: "no command", err: []string{"no command"}},
		{name: "long arguments", argv: []string{"printf", "%s", long}, out: long},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := g.Exec(t.Context(), c.argv...)
			if out != c.out {
				t.Errorf("output %.100q, want %.100q", out, c.out)
			}
			if (err != nil) != (c.err != nil) {
				t.Fatalf("error %v, want parts %q", err, c.err)
			}
			for _, part := range c.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q lacks %q", err, part)
				}
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(g.dir, "*")); len(left) > 2 { // of the two that never started
		t.Errorf("Exec left %v", left)
	}
}

func TestExecsRunSideBySide(t *testing.T) {
	g, _ := newAgent(t)
	fifo := filepath.Join(g.dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := g.Spawn(t.Context(), "cat", fifo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Exec(t.Context(), "sh", "-c", "echo hello >"+fifo); err != nil {
		t.Fatal(err)
	}
	<-reader.Done()
	if out, err := reader.Stdout(); err != nil || out != "hello\n" {
		t.Errorf("reader got %q, %v", out, err)
	}
	if err := reader.Err(); err != nil {
		t.Errorf("reader: %v", err)
	}
}

// spawnFamily spawns a shell with a child, both sleeping, and gives the process identifiers of both.
func spawnFamily(t *testing.T, g *Guest) (p *Process, pids []string) {
	t.Helper()
	fifo := filepath.Join(g.dir, "pids")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := g.Spawn(t.Context(), "sh", "-c", "sleep 1000 & echo $$ $! >"+fifo+"; wait")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	return p, strings.Fields(string(b))
}

// awaitGone waits until processes, of whatever parent, have ended.
func awaitGone(t *testing.T, pids []string) {
	t.Helper()
	for _, s := range pids {
		pid, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if n != 1 {
			t.Errorf("process %d still runs (%v)", pid, err)
		}
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	}
}

func TestKillReachesChildren(t *testing.T) {
	g, _ := newAgent(t)
	p, pids := spawnFamily(t, g)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pids)
	if err := p.Err(); !errors.Is(err, ErrExit) {
		t.Errorf("killed process: %v, want %v", err, ErrExit)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("second Kill: %v", err)
	}
}

func TestCancelledExecKillsItsCommand(t *testing.T) {
	g, _ := newAgent(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.Exec(ctx, "sleep", "1000"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
	// newAgent's clean-up would hang if the agent still had the process.
}

func TestHangUpEndsEverything(t *testing.T) {
	g, hangUp := newAgent(t)
	p, pids := spawnFamily(t, g)
	hangUp()
	awaitGone(t, pids)
	<-p.Done()
	if err := p.Err(); !errors.Is(err, ErrEnded) {
		t.Errorf("process: %v, want %v", err, ErrEnded)
	}
	if _, err := g.Exec(t.Context(), "true"); !errors.Is(err, ErrEnded) {
		t.Errorf("Exec after the end: %v, want %v", err, ErrEnded)
	}
	if err := p.Kill(); err != nil {
		t.Errorf("Kill after the end: %v", err)
	}
}

func TestSetupFailureIsTheAgents(t *testing.T) {
	g, _ := newAgent(t)
	err := g.control.do(t.Context(), request{Op: opSetup, Setup: &setup{}})
	if !errors.Is(err, errAgent) || !strings.Contains(err.Error(), "no network") {
		t.Errorf("error %v", err)
	}
}

func TestTooLongRequestIsRefused(t *testing.T) {
	g, _ := newAgent(t)
	if _, err := g.Exec(t.Context(), "true", strings.Repeat("x", maxLine)); err == nil {
		t.Error("no error")
	}
	if _, err := g.Exec(t.Context(), "true"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestRunAgentOutsideAGuest(t *testing.T) {
	if err := RunAgent(); !errors.Is(err, ErrNotAgent) {
		t.Errorf("error %v, want %v", err, ErrNotAgent)
	}
}
