// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// commandTimeout bounds one command of rung 1. A guest or a container may need most of a
// minute to boot on a loaded machine.
const commandTimeout = 90 * time.Second

// commandGrace is how long a command that is told to end (SIGTERM) may take to do so.
const commandGrace = 5 * time.Second

// commands runs the commands of rung 1 and knows what has been started.
type commands struct {
	CommandConfig
	dir     string
	mu      sync.Mutex
	started bool
	revoked []string // identities that are to be restored
}

// prepare starts the system the first time, and resets it before every check.
func (c *commands) prepare(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started && len(c.Start) > 0 {
		if err := c.run(ctx, "start", c.Start); err != nil {
			return err
		}
	}
	c.started = true
	if err := c.giveBack(ctx); err != nil {
		return err
	}
	return c.run(ctx, "reset", c.Reset)
}

// revoke withdraws the key of an identity until restore.
func (c *commands) revoke(ctx context.Context, identity string) error {
	if len(c.Revoke) == 0 {
		return fmt.Errorf("%w: it has no way to withdraw a key (commands.revoke)", ErrUnsupported)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A command that fails may have done half of its work.
	c.revoked = append(c.revoked, identity)
	if err := c.run(ctx, "revoke", with(c.Revoke, identity)); err != nil {
		return err
	}
	return c.run(ctx, "reload", c.Reload)
}

// restore gives back what was revoked.
func (c *commands) restore(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.giveBack(ctx)
}

// giveBack restores what was revoked; what fails is tried again by the next prepare, which
// must not judge a system that lacks a key.
func (c *commands) giveBack(ctx context.Context) error {
	if len(c.revoked) == 0 {
		return nil
	}
	for len(c.revoked) > 0 {
		if err := c.run(ctx, "restore", with(c.Restore, c.revoked[0])); err != nil {
			return err
		}
		c.revoked = c.revoked[1:]
	}
	return c.run(ctx, "reload", c.Reload)
}

// restart ends the system and starts it again.
func (c *commands) restart(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.Restart) > 0:
		return c.run(ctx, "restart", c.Restart)
	case len(c.Start) == 0 || len(c.Stop) == 0:
		return fmt.Errorf("%w: it has no way to be started again (commands.restart, or start and stop)", ErrUnsupported)
	}
	if err := c.run(ctx, "stop", c.Stop); err != nil {
		return err
	}
	c.started = false
	if err := c.run(ctx, "start", c.Start); err != nil {
		return err
	}
	c.started = true
	return nil
}

// with is a command with one more argument.
func with(argv []string, last string) []string { return append(slices.Clone(argv), last) }

// stop ends the system if prepare has started it.
func (c *commands) stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.giveBack(ctx)
	if !c.started || len(c.Start) == 0 {
		return err
	}
	c.started = false
	return errors.Join(err, c.run(ctx, "stop", c.Stop))
}

// log returns what the log command prints. That it fails must not spoil a verdict, so it
// is said in a line.
func (c *commands) log(ctx context.Context) []string {
	output, err := c.output(ctx, "log", c.Log)
	if err != nil {
		return unreadable(err)
	}
	return output.lines()
}

func (c *commands) run(ctx context.Context, name string, argv []string) error {
	_, err := c.output(ctx, name, argv)
	return err
}

// output runs a command and returns the end of what it prints.
func (c *commands) output(ctx context.Context, name string, argv []string) (*lineBuffer, error) {
	if len(argv) == 0 {
		return &lineBuffer{}, nil
	}
	fail := func(err error) (*lineBuffer, error) {
		return nil, fmt.Errorf("command %s (%s): %w", name, strings.Join(argv, " "), err)
	}
	// Files and not pipes: a daemon that start leaves behind keeps what it was given open,
	// and neither are we to wait for it, nor is it to die of a pipe that nobody reads.
	output, err := scratch()
	if err != nil {
		return fail(err)
	}
	defer output.Close()
	complaint, err := scratch()
	if err != nil {
		return fail(err)
	}
	defer complaint.Close()
	program := argv[0]
	if program == "rspthreat" {
		if program, err = os.Executable(); err != nil {
			return fail(err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("not finished after %s", commandTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, output, complaint
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, commandGrace
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fail(blame(err, complaint))
	}
	return last(output, 0)
}

// blame adds the last line that a failed command has complained with.
func blame(err error, complaint *os.File) error {
	if said, readErr := last(complaint, 0); readErr == nil {
		if lines := said.lines(); len(lines) > 0 {
			return fmt.Errorf("%w: %s", err, strings.TrimSpace(lines[len(lines)-1]))
		}
	}
	return err
}

// scratch is a file that is gone with the last process that has it open.
func scratch() (*os.File, error) {
	f, err := os.CreateTemp("", "rspthreat-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
