// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Insider is an authentic registrar of the group that lies (draft section 2.17). TLS cannot
// keep it out, since it has the key of a registrar.
type Insider struct {
	Site
	Door script.Door
	// Identity and Key are a registrar's; empty for a system in clear.
	Identity string
	Key      []byte
}

// Join opens an association, which stays for the oracles, and introduces the insider with a
// presence that the system has to answer.
func (i *Insider) Join(ctx context.Context, v *Victim, at netip.Addr) (*script.Node, error) {
	var config *tlspsk.Config
	if i.Identity != "" {
		config = &tlspsk.Config{PSKIdentity: i.Identity, PSKKey: append([]byte(nil), i.Key...)}
	}
	opening, cancel := context.WithTimeout(ctx, i.Patience)
	defer cancel()
	n, err := script.Open(opening, i.options(Name+" insider", i.Door, config))
	if err != nil {
		return nil, err
	}
	i.Company.Stay(n.Abort)
	answer, err := n.Request(opening, from(n, v.RoguePresence(at)), isPresence)
	if err != nil {
		return nil, fmt.Errorf("introduce the insider: %w", err)
	}
	v.Server = answer.(*wire.Presence).Sender
	return n, nil
}

// Tell sends messages and waits until they have been dealt with: a presence asked for behind
// them is answered. It returns what came before that answer.
func (i *Insider) Tell(ctx context.Context, n *script.Node, presence *wire.Presence, messages ...wire.Message) ([]wire.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, i.Patience)
	defer cancel()
	n.Drain()
	for _, m := range append(messages, from(n, presence)) {
		if err := n.Send(ctx, m); err != nil {
			return nil, err
		}
	}
	if _, err := n.Await(ctx, isPresence); err != nil {
		return nil, err
	}
	return n.Drain(), nil
}

// from has a presence name the port that the insider speaks from: rsplib drops one that names another.
func from(n *script.Node, presence *wire.Presence) *wire.Presence {
	presence.Server.Transport.Port = n.Info().Local.Port()
	return presence
}

func isPresence(m wire.Message) bool {
	_, ok := m.(*wire.Presence)
	return ok
}

// Deletion takes another registrar's element out of the handlespace.
func (v *Victim) Deletion(at netip.Addr) wire.Message {
	updates := v.Updates(at)
	return updates[len(updates)-1]
}

// Theft says that another registrar's element is the insider's own, at another address.
func (v *Victim) Theft(at netip.Addr) wire.Message {
	pe := v.invented(at)
	pe.ID, pe.Home = v.PE.ID, RogueServer
	pe.ASAP, pe.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: roguePort, Addrs: []netip.Addr{at}}, true
	return &wire.HandleUpdate{Sender: RogueServer, Action: wire.AddPE, PoolHandle: wire.PoolHandle(v.Pool), Element: pe}
}

// Takeover claims the elements of the registrar under attack while it lives.
func (v *Victim) Takeover() []wire.Message {
	return []wire.Message{
		&wire.InitTakeover{Sender: RogueServer, Target: v.target()},
		&wire.TakeoverServer{Sender: RogueServer, Target: v.target()},
	}
}

// Own announces, or takes back, an element of the insider's own.
func (v *Victim) Own(action wire.UpdateAction, id wire.PEID, at netip.Addr) *wire.HandleUpdate {
	pe := v.invented(at)
	pe.ID, pe.Home = id, RogueServer
	pe.ASAP, pe.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: roguePort, Addrs: []netip.Addr{at}}, true
	return &wire.HandleUpdate{Sender: RogueServer, Action: action, PoolHandle: wire.PoolHandle(v.Pool), Element: pe}
}

// Twin is another identifier with which an element has the same share in the PE checksum: a
// sum of 16-bit words does not change with their order (RFC 5353 section 3.6.2).
func Twin(id wire.PEID) wire.PEID { return id<<16 | id>>16 }

// Checksum is the PE checksum of a registrar with these elements of a pool (RFC 1071 over
// the pool handle, padded with zeros, and the identifier of each).
func Checksum(pool string, ids ...wire.PEID) uint16 {
	var b []byte
	for _, id := range ids {
		b = append(b, pool...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(id))
	}
	var sum uint32
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
