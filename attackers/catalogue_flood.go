// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

func runFlooder(ctx context.Context, o *Order) error {
	reached := false
	for _, door := range o.doorsFor() {
		f := Flooder{Site: o.Site, Who: orStranger(o.Identity), Door: door, Config: func() *tlspsk.Config { return o.psk() }}
		var n atomic.Uint32
		v, at := o.victim()
		tally := f.Flood(ctx, o.Messages, o.Messages, func() wire.Message {
			i := n.Add(1)
			pe := v.invented(at)
			pe.ID = v.Element + wire.PEID(i/2)
			if i%2 == 0 {
				return &wire.Deregistration{PoolHandle: wire.PoolHandle(o.Pool), PEID: pe.ID}
			}
			return &wire.Registration{PoolHandle: wire.PoolHandle(o.Pool), Element: pe}
		})
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
