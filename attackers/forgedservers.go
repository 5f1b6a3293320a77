// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"bytes"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// forgedBase and forgedMask make up the server IDs of registrars that do not exist.
const (
	forgedBase = wire.ServerID(0xf04c0000)
	forgedMask = wire.ServerID(0xffff0000)
)

// Forged tells whether a server ID is one that the attackers made up, or their own.
func Forged(id wire.ServerID) bool { return id&forgedMask == forgedBase || id == RogueServer }

// Servers are announcements and presences of n registrars that do not exist, at addresses
// where nobody is, and of the rogue one at rogue.
func (v *Victim) Servers(n int, rogue netip.AddrPort, at netip.Addr) []wire.Message {
	own := v.RoguePresence(at)
	own.Server.Transport.Port, own.Server.Transport.Addrs = rogue.Port(), []netip.Addr{rogue.Addr().Unmap()}
	messages := []wire.Message{
		own,
		&wire.ServerAnnounce{Server: RogueServer, Transports: []wire.Transport{
			{Kind: wire.TransportTCP, Port: rogue.Port(), Addrs: []netip.Addr{rogue.Addr().Unmap()}},
		}},
	}
	for i := 1; i < n; i++ {
		id := forgedBase | wire.ServerID(i)
		p := v.RoguePresence(at)
		p.Sender, p.Server.ID = id, id
		messages = append(messages, p, &wire.ServerAnnounce{Server: id})
	}
	return messages
}

// GuessedKeys is the TLS of a registrar that takes whoever comes, with a key that it can
// only guess.
func GuessedKeys() *tlspsk.Config {
	return &tlspsk.Config{Lookup: func(string) []byte { return bytes.Repeat([]byte{0x42}, 32) }}
}
