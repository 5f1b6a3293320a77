// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Announcer sends datagrams to the announcement ports (RFC 5352 section 3.6), where nobody
// can tell who sent them.
type Announcer struct{ Site }

// Announce sends each message as a datagram to each UDP door of its protocol, a port or a
// multicast group. Datagrams are not answered; that they arrived is for a canary to make likely.
func (a *Announcer) Announce(ctx context.Context, messages ...wire.Message) ([]Attempt, error) {
	return a.announce(ctx, func(m wire.Message, p wire.Protocol) bool { return m.Protocol() == p }, messages)
}

// announce sends to each UDP door the messages that fit its protocol.
func (a *Announcer) announce(ctx context.Context, fits func(wire.Message, wire.Protocol) bool, messages []wire.Message) ([]Attempt, error) {
	var all []Attempt
	for _, door := range a.Doors {
		if door.Transport != association.UDP {
			continue
		}
		d, err := script.OpenDatagram(ctx, local(a.Local(), door), a.Recorder, door.Addr)
		if err != nil {
			return all, fmt.Errorf("%s: datagram socket: %w", Name, err)
		}
		for _, m := range messages {
			if !fits(m, door.Protocol) {
				continue
			}
			attempt, err := a.datagram(ctx, d, door, m)
			if err != nil {
				return all, fmt.Errorf("%s: %w", Name, closing(d, err))
			}
			all = append(all, attempt)
		}
		if err := d.Close(); err != nil {
			return all, fmt.Errorf("%s: %w", Name, err)
		}
	}
	return all, nil
}

func closing(d *association.Datagram, err error) error {
	_ = d.Close() // err is the one that tells something
	return err
}

// local is an address that datagrams to door can be sent from.
func local(a netip.Addr, door script.Door) netip.Addr {
	switch {
	case a.IsValid():
		return a
	case door.Addr.Addr().Is4():
		return netip.IPv4Unspecified()
	default:
		return netip.IPv6Unspecified()
	}
}

func (a *Announcer) datagram(ctx context.Context, d *association.Datagram, door script.Door, m wire.Message) (Attempt, error) {
	attempt := Attempt{What: m.Name() + " in a datagram", Door: door}
	dialect := a.dialect()
	b, err := m.Append(nil, &dialect)
	if err != nil {
		return attempt, fmt.Errorf("encode %s: %w", m.Name(), err)
	}
	a.Recorder.Message(script.Event{Time: time.Now(), From: Name, To: "registrar", Door: door, Message: m, Payload: b})
	if !script.MaySend(a.Recorder) {
		return attempt, nil
	}
	attempt.Err = d.Send(ctx, b, door.Addr) // refused by ICMP: nobody listens, which is as good as dropped
	attempt.Sent = attempt.Err == nil
	return attempt, nil
}
