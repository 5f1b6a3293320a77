// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"fmt"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// dial sets up an association with a candidate: by Config.Dial, or with TLS by our
// pre-shared key when secured. A secured element never falls back to clear.
func (e *Element) dial(ctx context.Context, r Registrar) (association.Association, error) {
	if e.cfg.Dial != nil {
		return e.cfg.Dial(ctx, r)
	}
	d := association.Dialer{
		Transport: r.Transport, Local: e.cfg.Local, LocalPort: e.localPort(r.Transport),
		UDPPort: r.UDPPort, PPID: wire.PPIDASAP,
	}
	if r.Transport.IsSCTP() {
		d.Stack = e.stacks[r.Transport]
	} else {
		d.Tap = e.cfg.Tap // that of SCTP is at the stack
	}
	if e.cfg.Mode == Secured {
		d.TLS = e.clientTLS(r.Transport.IsSCTP())
	}
	return d.Dial(ctx, r.Addr)
}

// localPort returns the SCTP port to dial from: that of our door, because the registrar
// records where a registration came from as the address for ASAP messages (RFC 5352
// section 3.1 rule 4). 0 is any.
func (e *Element) localPort(t association.Transport) uint16 {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, d := range e.cfg.Doors {
		if d.Transport == t && t.IsSCTP() {
			return d.Addr.Port()
		}
	}
	return 0
}

func (e *Element) hasDoor(t association.Transport) bool {
	return slices.ContainsFunc(e.cfg.Doors, func(d Door) bool { return d.Transport == t })
}

// open opens doors, stacks and announcements, and prepares TLS. Nothing runs yet.
func (e *Element) open(ctx context.Context) error {
	e.cfg.Doors = append([]Door(nil), e.cfg.Doors...)
	e.prepareTLS()
	if err := e.openStacks(); err != nil {
		return err
	}
	for i := range e.cfg.Doors {
		if err := e.openDoor(ctx, &e.cfg.Doors[i]); err != nil {
			return fmt.Errorf("poolelement: door %s %s: %w", e.cfg.Doors[i].Transport, e.cfg.Doors[i].Addr, err)
		}
	}
	return e.openAnnouncements(ctx)
}

// openStacks opens one SCTP socket for each kind of SCTP in use; calls and doors share it.
func (e *Element) openStacks() error {
	wanted := make(map[association.Transport]bool)
	for _, d := range e.cfg.Doors {
		wanted[d.Transport] = true
	}
	if e.cfg.Dial == nil {
		for _, r := range e.cfg.Registrars {
			wanted[r.Transport] = true
		}
		if a := e.cfg.Announcements; a != nil {
			wanted[a.SCTP] = true
		}
	}
	for t := range wanted {
		if !t.IsSCTP() {
			continue
		}
		s, err := association.NewStack(association.StackConfig{
			Local: e.cfg.Local, Transport: t, Tap: e.cfg.Tap,
			UDPPort: e.cfg.EncapsulationPort, Ephemeral: e.cfg.EncapsulationPort == 0 && !e.hasDoor(t),
		})
		if err != nil {
			return fmt.Errorf("poolelement: %s: %w", t, err)
		}
		e.stacks[t] = s
	}
	return nil
}
