// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Spoofer is a node with a valid identity that acts for other elements, or beyond what its
// identity is authorised for (draft sections 2.3 and 2.4). Without an identity it is a node
// of a system that has none.
type Spoofer struct {
	Site
	Who  string // how reports call its identity: "pe-bob"
	Door script.Door
	// Identity and Key authenticate it; empty for a system in clear.
	Identity string
	Key      []byte
	// OnMessage of the node that Open connects, as in script.Options.
	OnMessage func(n *script.Node, m wire.Message) bool
}

// Try makes each message an attempt over one association: the spoofer is a regular client
// that the system has no reason to send away.
func (s *Spoofer) Try(ctx context.Context, messages ...wire.Message) []Attempt {
	how := "as " + s.Who
	return s.try(ctx, how, s.options(Name+" "+s.Who, s.Door, s.config()), messages...)
}

// Each makes each message an attempt over an association of its own, for a system that ends
// one with the first message that it refuses.
func (s *Spoofer) Each(ctx context.Context, messages ...wire.Message) (all []Attempt) {
	for _, m := range messages {
		all = append(all, s.Try(ctx, m)...)
	}
	return all
}

// Open connects the spoofer and leaves the association to the caller, for attacks that need
// to be made at the right moment.
func (s *Spoofer) Open(ctx context.Context) (*script.Node, error) {
	o := s.options(Name+" "+s.Who, s.Door, s.config())
	o.OnMessage = s.OnMessage
	return script.Open(ctx, o)
}

func (s *Spoofer) config() *tlspsk.Config {
	if s.Identity == "" {
		return nil
	}
	return &tlspsk.Config{PSKIdentity: s.Identity, PSKKey: append([]byte(nil), s.Key...)}
}
