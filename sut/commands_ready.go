// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// readyPoll is how often it is looked whether a system is ready: a system that is not tells
// nobody when it will be.
const readyPoll = 100 * time.Millisecond

// launch starts what may be the system itself and does not wait for its end.
func (c *commands) launch() error {
	output, err := scratch()
	if err != nil {
		return err
	}
	g, err := startGroup(c.dir, c.Start, nil, output, output)
	if err != nil {
		return errors.Join(err, output.Close())
	}
	c.system, c.output = g, output
	return nil
}

// died returns an error when the system itself was started and has ended by itself.
func (c *commands) died() error {
	if c.system == nil || c.system.alive() {
		return nil
	}
	if c.system.status == nil {
		if c.system.others() {
			return nil // it has put itself into the background
		}
		return c.failed("start", c.Start, blame(errors.New("the system has ended by itself (exit status 0)"), c.output))
	}
	return c.failed("start", c.Start, blame(fmt.Errorf("the system has ended by itself (%w)", c.system.status), c.output))
}

// awaitReady waits until everything says that the system can be used.
func (c *commands) awaitReady(ctx context.Context, name string) error {
	if c.Ready == nil {
		return nil
	}
	timeout, line, err := c.Ready.parse()
	if err != nil {
		return fmt.Errorf("commands.ready: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errSlow)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	var missing error
	for {
		now := c.unready(ctx, line)
		if now == nil {
			return nil
		}
		if missing == nil || ctx.Err() == nil { // what the end of the time has cut off says nothing
			missing = now
		}
		// A start that ends well may have put the system into the background, in a group of its own.
		if c.system != nil && !c.system.alive() && c.system.status != nil {
			return c.died()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, errSlow) {
				return cause
			}
			return fmt.Errorf("the system was not ready %s after the command %s: %w; is it slow (commands.ready.timeout), or did it go wrong (its log)?",
				timeout, name, missing)
		}
	}
}

var errSlow = errors.New("not ready in time")

// unready says what is missing.
func (c *commands) unready(ctx context.Context, line *regexp.Regexp) error {
	if c.Ready.Door && c.reach != nil {
		if err := c.reach(ctx); err != nil {
			return err
		}
	}
	if line != nil {
		lines, err := c.lines(ctx, position{file: c.began})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(lines, line.MatchString) {
			return fmt.Errorf("no line of its log matches %q", line)
		}
	}
	return c.run(ctx, "ready", c.Ready.Command)
}
