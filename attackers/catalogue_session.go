// SPDX-License-Identifier: Apache-2.0

package attackers

import (
	"context"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Suites with pre-shared keys and without encryption (RFC 4785, RFC 5487).
const (
	nullPSK       uint16 = 0x002c // TLS_PSK_WITH_NULL_SHA
	nullPSKSHA256 uint16 = 0x00b0 // TLS_PSK_WITH_NULL_SHA256
)

// sessions are the doors over which a node with or without a key has sessions of ASAP.
func (o *Order) sessions() []script.Door {
	var doors []script.Door
	for _, door := range o.Doors {
		if door.Protocol == wire.ASAP && door.Transport != "udp" && door.Secured == (o.Key != nil) {
			doors = append(doors, door)
		}
	}
	return doors
}

func (o *Order) spoofer(door script.Door) Spoofer {
	return Spoofer{Site: o.Site, Who: orStranger(o.Identity), Door: door, Identity: o.Identity, Key: o.Key}
}

// runHaggler offers suites without protection, one at a time, to every door under TLS.
func runHaggler(ctx context.Context, o *Order) error {
	h := Haggler{Site: o.Site}
	var all []Attempt
	for _, door := range o.Doors {
		if !door.Secured {
			continue
		}
		for _, suite := range []uint16{NullWithNull, NullSHA256, NullECDSA, nullPSK, nullPSKSHA256} {
			_, agreed, a := h.Offer(ctx, door, suite)
			all = append(all, a)
			if agreed {
				o.Say(fmt.Sprintf("suite %04x was agreed to at %s", suite, door))
			}
		}
	}
	return o.tell(all, nil)
}

// runReplayer records a session of its own and plays it back, as who has listened to it.
func runReplayer(ctx context.Context, o *Order) error {
	var all []Attempt
	for _, door := range o.sessions() {
		r := &Replayer{Site: o.Site, Door: door}
		s := o.spoofer(door)
		options := s.options(Name+" "+s.Who, door, s.config())
		options.Wrap = r.Position
		within, cancel := context.WithTimeout(ctx, o.Patience)
		n, err := script.Open(within, options)
		if err != nil {
			cancel()
			return fmt.Errorf("%w: a session to record: %w", ErrNotMade, err)
		}
		for _, m := range o.requests()[:1] {
			err = n.Send(within, m)
		}
		if err == nil {
			_, err = n.Await(within, func(wire.Message) bool { return true })
		}
		n.Close(within)
		cancel()
		if err != nil {
			return fmt.Errorf("%w: a session to record: %w", ErrNotMade, err)
		}
		all = append(all, r.Replay(ctx, "a session that was recorded", r.Between(0, r.Mark())))
	}
	return o.tell(all, nil)
}

// runTicketHolder keeps what it is given, waits for its key to be withdrawn, and comes again.
func runTicketHolder(ctx context.Context, o *Order) error {
	if err := o.needs("--identity and --psk-file", o.Key != nil, "--pool", o.Pool != ""); err != nil {
		return err
	}
	var holders []*TicketHolder
	for _, door := range o.sessions() {
		t := &TicketHolder{Spoofer: o.spoofer(door)}
		within, cancel := context.WithTimeout(ctx, o.Patience)
		held, err := t.Collect(within, &wire.HandleResolution{PoolHandle: wire.PoolHandle(o.Pool)}, func(wire.Message) bool { return true })
		cancel()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotMade, err)
		}
		o.Say(fmt.Sprintf("%d session tickets were handed out at %s", held, door))
		holders = append(holders, t)
	}
	o.Say(fmt.Sprintf("waiting %s for the key to be withdrawn", o.For))
	withdrawn := time.NewTimer(o.For)
	defer withdrawn.Stop()
	select {
	case <-withdrawn.C:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNotMade, ctx.Err())
	}
	var all []Attempt
	for _, t := range holders {
		all = append(all, t.Resume(ctx, o.requests()...)...)
	}
	return o.tell(all, nil)
}

// runDowngrader waits for nodes and chooses a suite without protection for each of them.
func runDowngrader(ctx context.Context, o *Order) error {
	door, err := o.trap()
	if err != nil {
		return err
	}
	forged, err := (&Forger{Addr: o.Listen.Addr()}).byItself()
	if err != nil {
		return err
	}
	d, err := Downgrade(ctx, door, NullWithNull, forged.Certificate.Certificate, "node", o.Recorder)
	if err != nil {
		return err
	}
	defer d.Close()
	waiting, cancel := context.WithTimeout(ctx, o.For)
	defer cancel()
	o.Say(fmt.Sprintf("choosing suite %04x at %s for %s", NullWithNull, d.Doors()[0].Addr, o.For))
	known := 0
	for ; ; known++ {
		out, err := d.Await(waiting, known)
		if err != nil {
			break // the time is over
		}
		o.Say("somebody came: " + out.Answer)
	}
	if known == 0 {
		return fmt.Errorf("%w: nobody came", ErrNotMade)
	}
	return nil
}
