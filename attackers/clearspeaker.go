// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ClearSpeaker sends all that RSerPool can say to all ports without TLS (draft section 2.15:
// "any information not sent using TLS to a secure ENRP server MUST be rejected").
type ClearSpeaker struct{ Site }

// Speak sends each of the 24 messages, with the speaker at at, to each door: to those of the
// other protocol as well, and to those under TLS. Each has an association of its own, or a
// datagram.
func (c *ClearSpeaker) Speak(ctx context.Context, v *Victim, at netip.Addr) ([]Attempt, error) {
	messages := append(v.ASAP(at), v.ENRP(at)...)
	stranger := Stranger(*c)
	var all []Attempt
	for _, door := range c.Doors {
		if door.Transport != association.UDP {
			all = append(all, stranger.InClear(ctx, door, messages...)...)
		}
	}
	announcer := Announcer(*c)
	datagrams, err := announcer.announce(ctx, func(wire.Message, wire.Protocol) bool { return true }, messages)
	return append(all, datagrams...), err
}
