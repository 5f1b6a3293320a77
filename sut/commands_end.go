// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"time"
)

// down ends the system.
func (c *commands) down(ctx context.Context) error {
	c.started = false
	err := c.run(ctx, "stop", c.Stop)
	c.release()
	return err
}

// stop ends the system if prepare has started it, and everything that the commands have left
// in their process groups. What the stop command should have ended and has not is an error.
func (c *commands) stop(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.giveBack(ctx)
	if c.started && len(c.Start) > 0 && len(c.Stop) > 0 {
		err = errors.Join(err, c.run(ctx, "stop", c.Stop), c.remains())
	}
	c.started = false
	c.release()
	return err
}

// remains waits until what start has started has ended, as the stop command has asked it to.
func (c *commands) remains() error {
	deadline := time.NewTimer(commandGrace)
	defer deadline.Stop()
	tick := time.NewTicker(groupPoll)
	defer tick.Stop()
	for c.running() {
		select {
		case <-tick.C:
		case <-deadline.C:
			return c.failed("stop", c.Stop, errors.New("it left processes behind, which were ended: have it end all that start has started"))
		}
	}
	return nil
}

// running tells whether anything runs that the commands have started.
func (c *commands) running() bool {
	for _, g := range append(c.behind[:len(c.behind):len(c.behind)], c.system) {
		if g != nil && (g.alive() || g.others()) {
			return true
		}
	}
	return false
}

// dead returns an error when the system has ended by itself.
func (c *commands) dead(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.died()
}

// release ends what runs still.
func (c *commands) release() {
	if c.system != nil {
		c.system.end(commandGrace)
		c.system = nil
	}
	if c.output != nil {
		_ = c.output.Close()
		c.output = nil
	}
	for _, g := range c.behind {
		g.end(commandGrace)
	}
	c.behind = nil
}
