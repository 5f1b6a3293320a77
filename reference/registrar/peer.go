// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// peerName: "peer" refuses an ENRP message that does not fit the association it came over.
const peerName = "peer"

// peer is an entry of the peer list (RFC 5353 section 3.4).
type peer struct {
	id        wire.ServerID
	identity  string     // the one it authenticated with; "" until it has come by itself
	sessions  []*session // the newest, which is used to send, last
	lastHeard time.Time  // peer_last_heard (RFC 5353 section 4.1)
	info      wire.ServerInformation
	hasInfo   bool
	active    bool // false: another registrar takes it over, and its status is not monitored
	auditing  bool // a re-synchronization is under way
	asked     time.Time
	alarm     alarm // until its silence is noticed
}

// session is the association to send to the peer over, nil when it is not connected. After a
// peer was restarted, the one before may still seem to live: therefore the newest.
func (p *peer) session() *session {
	if n := len(p.sessions); n > 0 {
		return p.sessions[n-1]
	}
	return nil
}

// heard tells whether the peer was not silent for too long. Whether it is connected does not
// matter: an attacker who can end an association must not have made it a dead registrar.
func (r *Registrar) heard(p *peer, now time.Time) bool {
	return p != nil && now.Sub(p.lastHeard) <= r.cfg.Timers.MaxTimeLastHeard
}

// addPeer puts a registrar on the list, nil when that is full.
func (r *Registrar) addPeer(id wire.ServerID, identity string) *peer {
	if len(r.peers) >= r.cfg.Limits.MaxPeers {
		return nil
	}
	p := &peer{id: id, identity: identity, active: true, lastHeard: time.Now()}
	r.peers[id] = p
	r.monitor(p)
	r.log.Info("peer added", "peer", id.String(), "identity", identity)
	return p
}

// removePeer takes a registrar off the list after it was taken over.
func (r *Registrar) removePeer(id wire.ServerID) {
	if p := r.peers[id]; p != nil {
		p.alarm.stop()
		for _, s := range p.sessions {
			s.dismiss()
		}
		delete(r.peers, id)
	}
	r.forgetCallers(id)
}

// peer finds or makes the entry of the sending registrar. An association speaks for one
// server ID, and a server ID belongs to one identity, so that a peer cannot speak for
// another. RFC 5353 section 3.4.1 adds a peer on any message; here it has authenticated
// itself before (draft section 2.5).
func (r *Registrar) peer(s *session, m wire.Message, sender wire.ServerID, now time.Time) *peer {
	known := r.peers[sender]
	if !r.speaksFor(s, sender, known) {
		r.stats.Refused[peerName]++
		r.log.Warn("refused", "message", m.Name(), "from", s.origin.Info.Remote, "identity", s.principal.Name,
			"defence", peerName, "reason", "server ID "+sender.String()+" is not the sender's")
		if s.caller != nil {
			s.dismiss() // it is not whom we called
		}
		return nil
	}
	introduce := known == nil && s.caller == nil // whom we called has been asked already
	if known == nil {
		if known = r.addPeer(sender, s.principal.Name); known == nil {
			r.log.Warn("refused", "message", m.Name(), "peer", sender.String(), "reason", "too many peers")
			r.sendError(s, []wire.Cause{{Code: wire.CauseLackOfResources}})
			return nil
		}
	}
	if s.peer == 0 {
		s.peer = sender
		known.sessions = append(known.sessions, s)
		if known.identity == "" {
			known.identity = s.principal.Name
		}
	}
	if introduce {
		r.sendPresence(s, true) // RFC 5353 section 3.4.1: have it tell who it is
	}
	r.hear(known, now)
	return known
}

// speaksFor tells whether the far end of s may use the server ID.
func (r *Registrar) speaksFor(s *session, sender wire.ServerID, known *peer) bool {
	granted := s.principal.Grant.Server
	switch {
	case sender == 0 || sender == r.cfg.ServerID || (granted != 0 && granted != sender):
		return false
	case s.peer != 0:
		return s.peer == sender
	case known == nil || s.principal.Role == RoleUnconfined || known.identity == "":
		return true
	}
	return known.identity == s.principal.Name
}

// hear notes a sign of life, which ends every attempt to take the peer over (RFC 5353
// section 3.5.1).
func (r *Registrar) hear(p *peer, now time.Time) {
	p.lastHeard = now
	if t := r.takeovers[p.id]; t != nil {
		r.log.Warn("takeover stopped: the target lives", "target", p.id.String())
		r.abandon(t)
	}
	if !p.active {
		p.active = true
		r.monitor(p)
	}
}

// peerGone forgets an ended session. The peer is not dead for that: it may come back until
// its silence has lasted too long.
func (r *Registrar) peerGone(s *session) {
	if s.caller != nil && s.caller.session == s {
		s.caller.session = nil
	}
	r.endTable(&s.table)
	if p := r.peers[s.peer]; p != nil {
		p.sessions = slices.DeleteFunc(p.sessions, func(x *session) bool { return x == s })
	}
}
