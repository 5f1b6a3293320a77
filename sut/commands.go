// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
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
	dir  string
	file string // its log file, "" without one
	// background says that start need not end, though nothing says when the system is ready:
	// an element or a user shows by coming to the harness that it is.
	background bool
	// reach tells whether the doors of the system take associations.
	reach func(context.Context) error

	mu      sync.Mutex
	started bool
	revoked []string // identities that are to be restored
	system  *group   // what start has started, if that runs on: the system itself
	output  *os.File // what start prints, with CommandConfig.Ready
	began   mark     // where file ended before start or reset
	behind  []*group // commands that have ended and have left processes in their group
}

// prepare starts the system the first time, and resets it before every check.
func (c *commands) prepare(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started && c.Fresh {
		if err := c.down(ctx); err != nil {
			return err
		}
	}
	if !c.started {
		if err := c.up(ctx); err != nil {
			return err
		}
	}
	if err := c.giveBack(ctx); err != nil {
		return err
	}
	if len(c.Reset) == 0 {
		return c.died()
	}
	c.began = markOf(c.file)
	if err := c.run(ctx, "reset", c.Reset); err != nil {
		return err
	}
	return c.awaitReady(ctx, "reset")
}

// up starts the system and waits until it is ready.
func (c *commands) up(ctx context.Context) error {
	c.began = markOf(c.file)
	switch {
	case len(c.Start) == 0:
	case c.Ready == nil && !c.background:
		if err := c.run(ctx, "start", c.Start); err != nil {
			return err
		}
	default:
		if err := c.launch(); err != nil {
			return c.failed("start", c.Start, err)
		}
		if err := c.awaitReady(ctx, "start"); err != nil {
			c.release()
			return err
		}
		if !c.system.alive() { // it has put the system into the background
			c.keep(c.system)
			c.system = nil
		}
	}
	c.started = true
	return nil
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
		c.began = markOf(c.file)
		if err := c.run(ctx, "restart", c.Restart); err != nil {
			return err
		}
		return c.awaitReady(ctx, "restart")
	case len(c.Start) == 0 || len(c.Stop) == 0 && c.system == nil:
		return fmt.Errorf("%w: it has no way to be started again (commands.restart, or start and stop)", ErrUnsupported)
	}
	if err := c.down(ctx); err != nil {
		return err
	}
	return c.up(ctx)
}

// with is a command with one more argument.
func with(argv []string, last string) []string { return append(slices.Clone(argv), last) }

// position is a place in the log of a system.
type position struct {
	file    mark
	printed int64
}

// position is the end of the log now.
func (c *commands) position() position {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := position{file: markOf(c.file)}
	if c.output != nil {
		if info, err := c.output.Stat(); err == nil {
			p.printed = info.Size()
		}
	}
	return p
}

// logged returns what the system has logged from a place on: what the log command prints, what
// stands in its log file, or what start prints. That it cannot be read must not spoil a
// verdict, so it is said in a line.
func (c *commands) logged(ctx context.Context, from position) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines, err := c.lines(ctx, from)
	switch {
	case errors.Is(err, errNoLog):
		return nil
	case err != nil:
		return unreadable(err)
	}
	return lines
}

func (c *commands) lines(ctx context.Context, from position) ([]string, error) {
	switch {
	case len(c.Log) > 0:
		said, err := c.outputOf(ctx, "log", c.Log)
		if err != nil {
			return nil, err
		}
		return said.lines(), nil
	case c.file != "":
		return tail(c.file, from.file), nil
	case c.output != nil:
		said, err := last(c.output, from.printed)
		if err != nil {
			return nil, err
		}
		return said.lines(), nil
	}
	return nil, errNoLog
}

// errNoLog: nothing says what the system logs.
var errNoLog = errors.New("there is no log to look at: give log_file, or the command log, or have start print it")

func (c *commands) run(ctx context.Context, name string, argv []string) error {
	_, err := c.outputOf(ctx, name, argv)
	return err
}

// failed names a command in an error.
func (c *commands) failed(name string, argv []string, err error) error {
	return fmt.Errorf("command %s (%s): %w", name, strings.Join(redactedArguments(argv), " "), err)
}

// outputOf runs a command and returns the end of what it prints.
func (c *commands) outputOf(ctx context.Context, name string, argv []string) (*lineBuffer, error) {
	if len(argv) == 0 {
		return &lineBuffer{}, nil
	}
	// Files and not pipes: a daemon that start leaves behind keeps what it was given open,
	// and neither are we to wait for it, nor is it to die of a pipe that nobody reads.
	output, err := scratch()
	if err != nil {
		return nil, c.failed(name, argv, err)
	}
	defer output.Close()
	complaint, err := scratch()
	if err != nil {
		return nil, c.failed(name, argv, err)
	}
	defer complaint.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("not finished after %s", commandTimeout))
	defer cancel()
	g, err := startGroup(c.dir, argv, nil, output, complaint)
	if err != nil {
		return nil, c.failed(name, argv, err)
	}
	if err := g.wait(ctx); err != nil {
		g.end(commandGrace)
		return nil, c.failed(name, argv, blame(err, complaint))
	}
	c.keep(g)
	if g.status != nil {
		return nil, c.failed(name, argv, blame(g.status, complaint))
	}
	return last(output, 0)
}

// keep remembers a command that has ended as long as it has left others behind: a daemon.
func (c *commands) keep(g *group) {
	c.behind = slices.DeleteFunc(append(c.behind, g), func(g *group) bool {
		if g.others() {
			return false
		}
		g.end(0) // nobody is left to wait for
		return true
	})
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
