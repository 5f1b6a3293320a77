// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// caller keeps up an association with one other registrar.
type caller struct {
	peer       Peer
	configured bool // by the administrator; others were learned and are forgotten with their peer

	// Guarded by Registrar.mu.
	session *session // nil while there is none
	cancel  context.CancelFunc
}

// startCaller begins to dial, unless somebody already does.
func (r *Registrar) startCaller(c *caller) {
	if _, known := r.callers[c.peer.Addr]; known || r.closed || len(r.callers) >= r.cfg.Limits.MaxPeers {
		return
	}
	ctx, cancel := context.WithCancel(r.ctx)
	c.cancel = cancel
	r.callers[c.peer.Addr] = c
	r.wg.Go(func() { defer cancel(); r.keepCalling(ctx, c) })
}

func (r *Registrar) keepCalling(ctx context.Context, c *caller) {
	for {
		if r.missed(c) {
			if s, err := r.connectPeer(ctx, c); err != nil {
				r.log.Debug("peer not reached", "error", err)
			} else {
				select {
				case <-s.ended:
				case <-ctx.Done():
				}
			}
		}
		if !pause(ctx, r.cfg.Timers.PeerRedial) {
			return
		}
	}
}

// pause waits and tells whether ctx lives on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// missed tells whether there is no association with c's peer, by whoever's doing.
func (r *Registrar) missed(c *caller) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.session != nil {
		return false
	}
	for _, p := range r.peers {
		if p.session() != nil && p.hasInfo && reaches(p.info.Transport, c.peer.Addr) {
			return false
		}
	}
	return true
}

func reaches(t wire.Transport, at netip.AddrPort) bool {
	for _, a := range t.Addrs {
		if netip.AddrPortFrom(a.Unmap(), t.Port) == at {
			return true
		}
	}
	return false
}

// connectPeer sets up an association with c's peer and asks it who it is.
func (r *Registrar) connectPeer(ctx context.Context, c *caller) (*session, error) {
	if s := r.called(c); s != nil {
		return s, nil
	}
	credential := c.peer.Credential
	if credential == nil {
		credential = r.cfg.Credential
	}
	return r.connect(ctx,
		Destination{wire.ENRP, c.peer.Transport, c.peer.Addr, c.peer.UDPPort, credential},
		Dialed{Role: RoleRegistrar, Name: c.peer.Identity, Grant: Grant{Role: RoleRegistrar, Server: c.peer.Server}},
		func(s *session) {
			s.caller, c.session = c, s
			r.sendPresence(s, true)
		})
}

// called is the association that c's peer has set up from the port that it is to be dialed
// at, nil when there is none. With DialFromDoor there cannot be a second one between the same
// two ports.
func (r *Registrar) called(c *caller) *session {
	if !r.cfg.DialFromDoor {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.sessions {
		here := s.origin.Protocol == wire.ENRP && s.origin.Info.Remote == c.peer.Addr && !s.closed && !s.dismissed
		meant := s.principal.Role == RoleUnconfined ||
			s.principal.Role == RoleRegistrar && (c.peer.Identity == "" || s.principal.Name == c.peer.Identity)
		if here && meant {
			r.sendPresence(s, true)
			return s
		}
	}
	return nil
}

// learn begins to dial a registrar that was named by another one, unless it is known.
func (r *Registrar) learn(i wire.ServerInformation) {
	p := r.peers[i.ID]
	if i.ID == 0 || i.ID == r.cfg.ServerID || i.Transport.Kind != wire.TransportSCTP || (p != nil && p.session() != nil) {
		return
	}
	if p == nil {
		if p = r.addPeer(i.ID, ""); p == nil {
			return
		}
	}
	if !p.hasInfo {
		p.info, p.hasInfo = cloneServer(i), true
	}
	for _, addr := range i.Transport.Addrs {
		at := netip.AddrPortFrom(addr.Unmap(), i.Transport.Port)
		if d := r.cfg.enrpDoor(); addr.IsUnspecified() || addr.IsMulticast() || at.Port() == 0 || d != nil && d.Addr == at {
			continue
		}
		r.startCaller(&caller{peer: Peer{Transport: r.cfg.transport(), Addr: at, Server: i.ID}})
	}
}

// forgetCallers ends the calls to a learned registrar that is no longer in the list.
func (r *Registrar) forgetCallers(id wire.ServerID) {
	for at, c := range r.callers {
		if !c.configured && c.peer.Server == id {
			c.cancel()
			delete(r.callers, at)
		}
	}
}
