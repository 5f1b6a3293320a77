// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"errors"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// announce tells every connected peer about a change (RFC 5353 section 3.3).
func (r *Registrar) announce(action wire.UpdateAction, handle []byte, pe *wire.PoolElement) {
	if len(r.peers) == 0 {
		return
	}
	m := wire.HandleUpdate{Sender: r.cfg.ServerID, Action: action, PoolHandle: handle, Element: *pe}
	b, err := m.Append(nil, &r.cfg.Wire)
	if err != nil {
		r.log.Error("update cannot be encoded", "pool", wire.PoolHandle(handle).String(), "pe", pe.ID.String(), "error", err)
		return
	}
	for _, p := range r.peers {
		if s := p.session(); s != nil {
			s.sendBytes(b)
		}
	}
}

// handleUpdate takes over what a peer announces of its own elements (RFC 5353 section
// 3.3). An element's home registrar speaks for it, and nobody else: a peer may add an
// element that names it as home, and remove one that is registered with it.
func (r *Registrar) handleUpdate(s *session, p *peer, m *wire.HandleUpdate, now time.Time) {
	switch m.Action {
	case wire.AddPE:
		if m.Element.Home != p.id {
			r.refusePeer(m, "the element's home is "+m.Element.Home.String())
			return
		}
		if err := r.take(p, m.PoolHandle, &m.Element, now); err != nil {
			r.log.Warn("update rejected", "peer", p.id.String(), "pool", m.PoolHandle.String(), "pe", m.Element.ID.String(), "error", err)
			if !errors.Is(err, errForeign) {
				r.sendError(s, causesOf(err))
			}
			return
		}
	case wire.DelPE:
		existing, found := r.space.Lookup(m.PoolHandle, m.Element.ID)
		if !found {
			return
		}
		if existing.PE.Home != p.id {
			r.refusePeer(m, "the element's home is "+existing.PE.Home.String())
			return
		}
		r.space.Deregister(m.PoolHandle, m.Element.ID)
		r.released(m.PoolHandle, m.Element.ID, now)
	}
	r.scheduleExpiry(now)
	r.log.Info("updated by peer", "peer", p.id.String(), "action", m.Action.String(), "pool", m.PoolHandle.String(), "pe", m.Element.ID.String())
}

func (r *Registrar) refusePeer(m *wire.HandleUpdate, reason string) {
	r.stats.Refused[peerName]++
	r.log.Warn("refused", "message", m.Name(), "peer", m.Sender.String(), "defence", peerName, "reason", reason)
}
