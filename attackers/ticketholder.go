// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// TicketHolder is a node that keeps what it was given to resume its sessions with, and comes
// again with that when its key is not good any more (draft sections 2.1 and 2.2).
type TicketHolder struct {
	Spoofer
	sessions map[tlspsk.Version]*tlspsk.Sessions
}

// resumable are the versions that know tickets (RFC 5077, RFC 8446 section 4.6.1).
var resumable = []tlspsk.Version{tlspsk.TLS12, tlspsk.TLS13}

// Collect comes with the key, once with each version of TLS, and has question answered, since
// a ticket of TLS 1.3 may come behind the handshake. It returns how many sessions could be
// resumed; a version that is refused has none.
func (t *TicketHolder) Collect(ctx context.Context, question wire.Message, answer func(wire.Message) bool) (held int, err error) {
	t.sessions = make(map[tlspsk.Version]*tlspsk.Sessions)
	served := 0
	for _, v := range resumable {
		kept := tlspsk.NewSessions()
		n, err := script.Open(ctx, t.options(Name+" "+t.Who, t.Door, t.resuming(v, kept)))
		if err != nil {
			continue
		}
		_, err = n.Request(ctx, question, answer)
		n.Close(ctx)
		if err != nil {
			return held, fmt.Errorf("%s: session of %s: %w", Name, v, err)
		}
		served++
		t.sessions[v] = kept
		if kept.Kept() {
			held++
		}
	}
	if served == 0 {
		return 0, fmt.Errorf("%s: no version of TLS is taken", Name)
	}
	return held, nil
}

// Resume makes each message an attempt with each session that was collected: with its ticket
// if there was one, and with the key.
func (t *TicketHolder) Resume(ctx context.Context, messages ...wire.Message) (all []Attempt) {
	for _, v := range resumable {
		if kept := t.sessions[v]; kept != nil {
			how := fmt.Sprintf("resuming a session of %s, %s", t.Who, v)
			all = append(all, t.try(ctx, how, t.options(Name+" "+t.Who, t.Door, t.resuming(v, kept)), messages...)...)
		}
	}
	return all
}

// Configs returns the TLS of one who comes with a ticket that was collected, one for each
// version that handed some out; each call makes a fresh one.
func (t *TicketHolder) Configs() (all []func() *tlspsk.Config) {
	for _, v := range resumable {
		if kept := t.sessions[v]; kept != nil && kept.Kept() {
			all = append(all, func() *tlspsk.Config { return t.resuming(v, kept) })
		}
	}
	return all
}

func (t *TicketHolder) resuming(v tlspsk.Version, kept *tlspsk.Sessions) *tlspsk.Config {
	c := t.config()
	c.MinVersion, c.MaxVersion, c.Sessions = v, v, kept
	return c
}
