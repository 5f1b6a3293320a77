// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// openDoor listens for registrars that come to us, as one does that has taken our home over
// (RFC 5353 section 3.5.2).
func (e *Element) openDoor(ctx context.Context, door *Door) error {
	lc := association.ListenConfig{Transport: door.Transport, Addr: door.Addr, PPID: wire.PPIDASAP}
	if door.Transport.IsSCTP() {
		lc.Stack = e.stacks[door.Transport]
	} else {
		lc.Tap = e.cfg.Tap
	}
	if door.Secured {
		lc.TLS = e.tlsConfig(door.Transport.IsSCTP())
		lc.TLS.Lookup = e.lookup
	}
	lc.OnHandshakeError = func(remote netip.AddrPort, err error) {
		e.log.Info("handshake failed", "door", door.Addr, "from", remote, "error", err)
	}
	l, err := association.Listen(ctx, lc)
	if err != nil {
		return err
	}
	e.mu.Lock()
	door.Addr = l.Addr()
	e.mu.Unlock()
	e.listeners = append(e.listeners, l)
	e.wg.Go(func() {
		for {
			a, err := l.Accept(e.ctx)
			if err != nil {
				return // the door was closed
			}
			e.wg.Go(func() { e.Serve(a) })
		}
	})
	return nil
}

// Doors returns the open doors with the ports that they really have.
func (e *Element) Doors() []Door {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Door(nil), e.cfg.Doors...)
}

// Serve speaks with a node that came to us until the association ends or the element does.
// It owns a. A node that has not shown to be a registrar is told nothing.
func (e *Element) Serve(a association.Association) {
	if s := e.received(a); s != nil {
		s.run()
		return
	}
	_ = a.Abort("lack of resources") // the association is given up either way
}

// received admits an association, nil when there is no room for it.
func (e *Element) received(a association.Association) *session {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := Origin{Mode: e.cfg.Mode, Identity: e.cfg.Identity, Info: a.Info()}
	if o.Info.Identity.Kind == tlspsk.PSK {
		// The key may have been withdrawn between the handshake and now.
		if k, ok := e.cfg.registrarKey(o.Info.Identity.Name); ok {
			o.Key = &k
		}
	}
	inbound := 0
	for s := range e.sessions {
		if !s.peer.Dialed {
			inbound++
		}
	}
	if e.stopping || inbound >= e.cfg.Limits.Inbound {
		e.log.Warn("association refused: lack of resources", "from", o.Info.Remote, "inbound", inbound)
		return nil
	}
	s, err := e.newSession(a, o)
	e.sessions[s] = struct{}{}
	if err != nil {
		e.stats.RegistrarsRefused++
		e.emit(Event{Kind: RegistrarRefused, Remote: o.Info.Remote, Err: err})
		// Its first message is refused and ends the association; so does its silence.
		time.AfterFunc(e.cfg.Timers.StrangerTimeout, s.cancel)
	}
	return s
}

func (e *Element) closeDoors() error {
	var errs []error
	for _, l := range e.listeners {
		errs = append(errs, l.Close())
	}
	if e.datagrams != nil {
		errs = append(errs, e.datagrams.Close())
	}
	return errors.Join(errs...)
}

func (e *Element) closeStacks() error {
	var errs []error
	for _, s := range e.stacks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
