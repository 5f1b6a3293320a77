// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// commandTimeout bounds one command of rung 1. A guest or a container may need most of a
// minute to boot on a loaded machine.
const commandTimeout = 90 * time.Second

// commandGrace is how long a command that was cancelled may take to end by itself.
const commandGrace = 5 * time.Second

// commands runs the commands of rung 1 and knows what has been started.
type commands struct {
	CommandConfig
	dir     string
	mu      sync.Mutex
	started bool
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
	return c.run(ctx, "reset", c.Reset)
}

// stop ends the system if prepare has started it.
func (c *commands) stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started || len(c.Start) == 0 {
		return nil
	}
	c.started = false
	return c.run(ctx, "stop", c.Stop)
}

// log returns what the log command prints. That it fails must not spoil a verdict, so it
// is said in a line.
func (c *commands) log(ctx context.Context) []string {
	output, err := c.output(ctx, "log", c.Log)
	if err != nil {
		return []string{"(log not readable: " + err.Error() + ")"}
	}
	buffer := &lineBuffer{}
	_, _ = buffer.Write(output) // it never fails
	return buffer.lines()
}

func (c *commands) run(ctx context.Context, name string, argv []string) error {
	_, err := c.output(ctx, name, argv)
	return err
}

func (c *commands) output(ctx context.Context, name string, argv []string) ([]byte, error) {
	if len(argv) == 0 {
		return nil, nil
	}
	argv = slices.Clone(argv)
	if argv[0] == "rspthreat" {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("command %s: %w", name, err)
		}
		argv[0] = self
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.WaitDelay = c.dir, commandGrace
	var output, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaint
	if err := cmd.Run(); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("not finished after %s", commandTimeout)
		}
		return nil, fmt.Errorf("command %s (%s): %w: %s", name, strings.Join(argv, " "), err, lastLine(complaint.String()))
	}
	return output.Bytes(), nil
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
