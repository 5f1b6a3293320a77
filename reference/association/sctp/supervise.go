// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"fmt"
	"io"
	"time"
)

const (
	// beatsPerLiveness lets two heartbeats get lost before the peer is given up.
	beatsPerLiveness = 4
	// shutdownGrace is how long a peer that sent a SHUTDOWN may acknowledge
	// nothing. When its last packet is lost and it has gone, the engine would
	// repeat the SHUTDOWN ACK for ever.
	shutdownGrace = 5 * time.Second
)

// supervise ends the association when the peer no longer shows that it receives
// us. Only an acknowledgement proves that: of a HEARTBEAT with our nonce, or of data.
func (c *Conn) supervise() {
	limit := c.options.Liveness
	beat := time.NewTicker(time.Hour)
	defer beat.Stop()
	if limit > 0 {
		beat.Reset(limit / beatsPerLiveness)
	} else {
		beat.Stop()
	}
	end := fmt.Errorf("%w for %v", ErrUnreachable, limit)
	shutdown := c.path.shutdown
	for {
		select {
		case <-c.path.done:
			return
		case <-shutdown:
			shutdown, end = nil, io.EOF
			if limit <= 0 || limit > shutdownGrace {
				limit = shutdownGrace
			}
			beat.Reset(limit / beatsPerLiveness)
			c.path.renew()
			continue
		case <-beat.C:
		}
		switch silent := c.path.silence(); {
		case silent >= limit:
			c.fail(end)
			return
		case shutdown != nil && silent >= limit/beatsPerLiveness:
			c.path.heartbeat()
		}
	}
}

// renew counts the silence from now.
func (p *path) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proof = time.Now()
}
