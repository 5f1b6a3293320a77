// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Flooder sends registrations and deregistrations at a very rapid rate (draft sections 2.1
// and 2.2), from one identity at one door. It is bounded in rate and number, and it ends
// with its context.
type Flooder struct {
	Site
	Who    string // how reports call it
	Door   script.Door
	Config func() *tlspsk.Config // a fresh one for each association; nil returns speak in clear
	Every  time.Duration         // between two messages; 0: five hundred a second
}

// Tally is what a flood came to.
type Tally struct {
	Who        string
	Door       script.Door
	Sent       int // messages that left over an association
	Handshakes int // associations that were refused before a message could be sent
	Accepted   int // requests that were granted
}

// String tells the tally in a sentence.
func (t Tally) String() string {
	return fmt.Sprintf("%s at %s: %d messages sent, %d of them accepted, %d handshakes refused", t.Who, t.Door, t.Sent, t.Accepted, t.Handshakes)
}

// Flood sends the messages that next makes, at most the given number. When an association
// is refused or ended it opens another one, so that a flood of handshakes comes out where
// handshakes are what is refused; of these it makes at most the other number.
func (f *Flooder) Flood(ctx context.Context, messages, handshakes int, next func() wire.Message) Tally {
	tally := Tally{Who: f.Who, Door: f.Door}
	var accepted atomic.Int64
	for ctx.Err() == nil && tally.Sent < messages && tally.Handshakes < handshakes {
		o := f.options(Name+" "+f.Who, f.Door, f.Config())
		o.OnMessage = func(_ *script.Node, m wire.Message) bool {
			if Accepts(m) {
				accepted.Add(1)
			}
			return true
		}
		opening, cancel := context.WithTimeout(ctx, f.Patience)
		n, err := script.Open(opening, o)
		cancel()
		if err != nil {
			tally.Handshakes++
			continue
		}
		sent := f.pour(ctx, n, messages-tally.Sent, next)
		if tally.Sent += sent; sent == 0 {
			tally.Handshakes++ // in TLS 1.3 a client learns only then that it was refused
			n.Abort()
			continue
		}
		f.Company.Stay(n.Abort)
	}
	tally.Accepted = int(accepted.Load())
	return tally
}

// The rate of one flooder: floodBurst messages every floodTick, five hundred a second, which
// is more than all elements of a large pool send, and no more than one host can.
const (
	floodTick  = 10 * time.Millisecond
	floodBurst = 5
)

// pour sends over one association until it ends.
func (f *Flooder) pour(ctx context.Context, n *script.Node, messages int, next func() wire.Message) int {
	every, burst := floodTick, floodBurst
	if f.Every > 0 {
		every, burst = f.Every, 1
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for sent := range messages {
		if sent%burst == 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		if _, ended := n.Ended(); ended || ctx.Err() != nil {
			return sent
		}
		if err := n.Send(ctx, next()); err != nil {
			return sent
		}
	}
	return messages
}
