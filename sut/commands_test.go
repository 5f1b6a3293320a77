// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// note is a command that adds word to the file "trace".
func note(word string) []string { return []string{"sh", "-c", "echo " + word + " >> trace"} }

func trace(t *testing.T, dir string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

func TestSystemIsStartedOnceResetForEachCheckAndStopped(t *testing.T) {
	dir := t.TempDir()
	e := &External{cfg: &Config{Security: Clear}, secrets: &redactor{}, run: &commands{dir: dir, CommandConfig: CommandConfig{
		Start: note("start"), Reset: note("reset"), Stop: note("stop"), Log: []string{"sh", "-c", "echo one; echo two"},
	}}}
	e.cfg.Commands = e.run.CommandConfig
	for range 2 {
		i, err := e.Prepare(t.Context(), Wanted{Security: Clear})
		if err != nil {
			t.Fatal(err)
		}
		if !i.Pristine || !slices.Equal(i.Log(), []string{"one", "two"}) {
			t.Errorf("pristine %t, log %q", i.Pristine, i.Log())
		}
	}
	for range 2 {
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := trace(t, dir); !slices.Equal(got, []string{"start", "reset", "reset", "stop"}) {
		t.Errorf("commands %q", got)
	}
}

func TestSystemThatTheHarnessDidNotStartIsNotStopped(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Reset: []string{"true"}, Stop: []string{"false"}}}
	if err := c.stop(t.Context()); err != nil {
		t.Errorf("before it was prepared: %v", err)
	}
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.stop(t.Context()); err != nil {
		t.Errorf("after it was prepared: %v", err)
	}
}

// What a check has withdrawn is given back after it, or before the next one when that failed.
func TestKeysAreWithdrawnAndGivenBack(t *testing.T) {
	dir := t.TempDir()
	say := func(word string) []string { return []string{"sh", "-c", `echo ` + word + `:"$0" >> trace`} }
	e := &External{cfg: &Config{Security: Clear}, secrets: &redactor{}, run: &commands{dir: dir, CommandConfig: CommandConfig{
		Revoke: say("revoke"), Restore: []string{"sh", "-c", `test -e broken && exit 1; echo restore:"$0" >> trace`}, Reload: note("reload"),
	}}}
	i, err := e.Prepare(t.Context(), Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Revoke(t.Context(), "pe-alice"); err != nil {
		t.Fatal(err)
	}
	write := func() { _ = os.WriteFile(filepath.Join(dir, "broken"), nil, 0o600) }
	write()
	if err := i.Close(t.Context()); err == nil {
		t.Error("a key that could not be given back is not told")
	}
	if _, err := e.Prepare(t.Context(), Wanted{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a system without a key of its own is judged: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	if i, err = e.Prepare(t.Context(), Wanted{}); err != nil {
		t.Fatal(err)
	}
	if err := i.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := trace(t, dir); !slices.Equal(got, []string{"revoke:pe-alice", "reload", "restore:pe-alice", "reload"}) {
		t.Errorf("commands %q", got)
	}
}

func TestSystemIsStartedAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		have CommandConfig
		want []string
	}{
		{"with its own command", CommandConfig{Start: note("start"), Stop: note("stop"), Restart: note("restart")}, []string{"start", "restart", "stop"}},
		{"without", CommandConfig{Start: note("start"), Stop: note("stop")}, []string{"start", "stop", "start", "stop"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &commands{dir: t.TempDir(), CommandConfig: row.have}
			if err := errors.Join(c.prepare(t.Context()), c.restart(t.Context()), c.stop(t.Context())); err != nil {
				t.Fatal(err)
			}
			if got := trace(t, c.dir); !slices.Equal(got, row.want) {
				t.Errorf("commands %q, want %q", got, row.want)
			}
		})
	}
}

func TestSystemWithoutCommandsForItSaysThatItIsUnsupported(t *testing.T) {
	e := &External{cfg: &Config{Security: Clear}, secrets: &redactor{}, run: &commands{}}
	i, err := e.Prepare(t.Context(), Wanted{})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Revoke(t.Context(), "pe-alice"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Revoke: %v", err)
	}
	if err := i.Restart(t.Context()); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Restart: %v", err)
	}
}

func TestFailedStartIsTriedAgain(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Start: []string{"mkdir", "made/by/somebody"}, Stop: []string{"false"}}}
	if err := c.prepare(t.Context()); err == nil {
		t.Fatal("mkdir without its parents works")
	}
	if err := c.stop(t.Context()); err != nil {
		t.Errorf("what was not started was stopped: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(c.dir, "made/by"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.prepare(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFailedCommandIsNamedWithWhatItSaidLast(t *testing.T) {
	for _, row := range []struct {
		name string
		argv []string
		want []string
	}{
		{"a complaint", []string{"sh", "-c", "echo first >&2; echo 'the last line' >&2; exit 3"}, []string{"command reset (sh -c", "exit status 3: the last line"}},
		{"no complaint", []string{"false"}, []string{"command reset (false): exit status 1"}},
		{"no such program", []string{"no-such-program", "now"}, []string{"command reset (no-such-program now)", "not found"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Reset: row.argv}}
			err := c.prepare(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not tell %q", err, want)
				}
			}
			if strings.HasSuffix(err.Error(), ": ") {
				t.Errorf("error %q", err)
			}
		})
	}
	c := &commands{CommandConfig: CommandConfig{Log: []string{"false"}}}
	if got := c.logged(t.Context(), position{}); len(got) != 1 || !strings.Contains(got[0], "log not readable: command log (false)") {
		t.Errorf("log %q", got)
	}
	e := &External{cfg: &Config{Security: Clear}, secrets: &redactor{}, run: &commands{CommandConfig: CommandConfig{Reset: []string{"false"}}}}
	if _, err := e.Prepare(t.Context(), Wanted{Security: Clear}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Prepare: %v, want ErrUnreachable", err)
	}
}

func TestNoShellIsInvolved(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Log: []string{"echo", "$HOME", "*", "a;b", "two words"}}}
	if got := c.logged(t.Context(), position{}); !slices.Equal(got, []string{"$HOME * a;b two words"}) {
		t.Errorf("log %q", got)
	}
}

func TestRspthreatAsFirstWordIsThisProgram(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Log: []string{"rspthreat", "-test.list=^TestRspthreatAsFirstWord"}}}
	if got := c.logged(t.Context(), position{}); !slices.Contains(got, t.Name()) {
		t.Errorf("log %q, want that of this test binary", got)
	}
}

// pipe makes a named pipe, over which processes wait for each other.
func pipe(t *testing.T, dir, name string) {
	t.Helper()
	if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCommandThatTakesTooLongIsToldToEnd: and may clean up.
func TestCommandThatTakesTooLongIsToldToEnd(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{Start: []string{"sh", "-c", `
		trap 'kill $!; echo cleaned up >&2; exit 1' TERM
		sleep 60 & echo > running; wait`}}}
	pipe(t, c.dir, "running")
	overdue := errors.New("overdue")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.prepare(ctx) }()
	if _, err := os.ReadFile(filepath.Join(c.dir, "running")); err != nil {
		t.Fatal(err)
	}
	cancel(overdue)
	err := <-ended
	if !errors.Is(err, overdue) || !strings.Contains(err.Error(), "cleaned up") {
		t.Errorf("error %v", err)
	}
	if commandTimeout < time.Minute { // a guest boots in about 40 s on a loaded machine
		t.Errorf("a command has %s", commandTimeout)
	}
}

// TestDaemonThatStartLeavesBehindIsNotWaitedFor: it has inherited the output of its start.
func TestDaemonThatStartLeavesBehindIsNotWaitedFor(t *testing.T) {
	c := &commands{dir: t.TempDir(), CommandConfig: CommandConfig{
		Start: []string{"sh", "-c", "sh -c 'echo > up; read line < gate; echo served; echo > down' & read line < up"},
		Stop:  []string{"sh", "-c", "echo > gate; read line < down"},
	}}
	for _, name := range []string{"up", "gate", "down"} {
		pipe(t, c.dir, name)
	}
	began := time.Now()
	if err := c.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took >= commandGrace {
		t.Errorf("start took %s", took)
	}
	// It is still alive, and what it prints does not kill it.
	if err := c.stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogCommandIsBounded(t *testing.T) {
	c := &commands{CommandConfig: CommandConfig{Log: []string{"sh", "-c", "yes | head -c 5000000; echo end"}}}
	got := c.logged(t.Context(), position{})
	if got[0] != "(earlier lines left out)" || got[len(got)-1] != "end" || len(got) > maxLogBytes/2+2 {
		t.Errorf("%d lines, first %q, last %q", len(got), got[0], got[len(got)-1])
	}
}
