// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// trap is a door at o.Listen like the first ASAP door over TCP, which is what users come to.
func (o *Order) trap() (script.Door, error) {
	if err := o.needs("--listen", o.Listen.IsValid()); err != nil {
		return script.Door{}, err
	}
	for _, door := range o.Doors {
		if door.Protocol == wire.ASAP && door.Transport == association.TCP {
			door.Addr = o.Listen
			return door, nil
		}
	}
	return script.Door{}, fmt.Errorf("%w: an asap target over tcp to pose as", ErrOrder)
}

// runMisleader waits for users with a certificate of its own making, or in clear.
func runMisleader(ctx context.Context, o *Order) error {
	door, err := o.trap()
	if err != nil {
		return err
	}
	if err := o.needs("--pool", o.Pool != ""); err != nil {
		return err
	}
	v, at := o.victim()
	spec := MisleaderSpec{Door: door, Element: v.invented(at), Recorder: o.Recorder, Wire: o.Wire}
	spec.Element.Home = RogueServer
	spec.Element.ASAP, spec.Element.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortASAP, Addrs: []netip.Addr{at}}, true
	if door.Secured {
		forged, err := (&Forger{Addr: o.Listen.Addr()}).byItself()
		if err != nil {
			return err
		}
		spec.Certificate = &forged.Certificate
	}
	m, err := Mislead(ctx, spec, o.Pool)
	if err != nil {
		return err
	}
	defer m.Close()
	waiting, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	o.Say(fmt.Sprintf("posing as a registrar at %s %s for %s", door, m.Doors()[0].Addr, o.For))
	met := 0
	for known := 0; ; known = m.Attempts() {
		came, err := m.Over(waiting, known)
		if err != nil {
			break // the time is over
		}
		met++
		o.Say(came)
	}
	if met == 0 {
		return fmt.Errorf("%w: nobody came", ErrNotMade)
	}
	return nil
}
