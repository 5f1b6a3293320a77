// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

type stackKey struct {
	transport association.Transport
	addr      netip.Addr
}

type tlsKey struct {
	protocol wire.Protocol
	messages bool
}

// opener holds what several doors share while they are opened.
type opener struct {
	r      *Registrar
	stacks map[stackKey]*association.Stack
	tls    map[tlsKey]*tlspsk.Config
}

func open(ctx context.Context, cfg Config) (*Registrar, error) {
	cfg.Doors = append([]Door(nil), cfg.Doors...)
	r, err := create(cfg)
	if err != nil {
		return nil, err
	}
	o := &opener{r: r, stacks: make(map[stackKey]*association.Stack), tls: make(map[tlsKey]*tlspsk.Config)}
	for i := range r.cfg.Doors {
		if err := o.open(ctx, &r.cfg.Doors[i]); err != nil {
			return nil, errors.Join(fmt.Errorf("registrar: open %s: %w", r.cfg.Doors[i], err), r.Close(ctx))
		}
	}
	if err := r.openAnnouncements(ctx); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	r.begin()
	return r, nil
}

func (o *opener) open(ctx context.Context, door *Door) error {
	if door.Transport == association.UDP {
		return o.openDatagram(ctx, door)
	}
	lc := association.ListenConfig{Transport: door.Transport, Addr: door.Addr, PPID: door.Protocol.PPID()}
	lc.Limits.Associations = o.associations()
	messages := door.Transport.IsSCTP()
	if messages {
		stack, err := o.stack(door)
		if err != nil {
			return err
		}
		lc.Stack = stack
	}
	if door.Secured {
		key := tlsKey{door.Protocol, messages}
		if o.tls[key] == nil {
			o.tls[key] = o.r.cfg.tlsConfig(door.Protocol, messages)
		}
		lc.TLS, lc.Wrap = o.tls[key], o.r.cfg.TLS.Wrap
	}
	name := door.String() // the first handshake may fail before the door has its port
	lc.OnHandshakeError = func(remote netip.AddrPort, err error) {
		o.r.log.Info("handshake failed", "door", name, "from", remote, "error", err)
	}
	l, err := association.Listen(ctx, lc)
	if err != nil {
		return err
	}
	door.Addr = l.Addr()
	o.r.listeners = append(o.r.listeners, l)
	o.r.wg.Go(func() { o.r.accept(l, *door) })
	return nil
}

// associations is how many a door takes: one more than the registrar does, and those that it
// turns away, so that they are told.
func (o *opener) associations() int {
	return o.r.cfg.Limits.MaxSessions + o.r.cfg.Limits.TurnedAway + 1
}

func (o *opener) stack(door *Door) (*association.Stack, error) {
	key := stackKey{door.Transport, door.Addr.Addr()}
	if s := o.stacks[key]; s != nil {
		return s, nil
	}
	s, err := association.NewStack(association.StackConfig{
		Local: door.Addr.Addr(), Transport: door.Transport, UDPPort: o.r.cfg.EncapsulationPort,
		Associations: 2 * o.associations(), // a full door, and as many calls
	})
	if err != nil {
		return nil, err
	}
	o.stacks[key] = s
	o.r.stacks = append(o.r.stacks, s)
	if o.r.stackOf[door.Transport] == nil {
		o.r.stackOf[door.Transport] = s
	}
	return s, nil
}

func (r *Registrar) accept(l association.Listener, door Door) {
	for {
		a, err := l.Accept(r.ctx)
		if err != nil {
			return // the listener was closed
		}
		r.wg.Go(func() { r.Serve(r.ctx, a, door.Protocol) })
	}
}
