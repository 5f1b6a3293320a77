// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// peerName: "peer" refuses an ENRP message that does not fit the association it came over.
const peerName = "peer"

// peer is a registrar that authenticated itself and gave its server ID (RFC 5353 section 3.4).
type peer struct {
	id        wire.ServerID
	identity  string
	session   *session // nil while it is not connected
	lastHeard time.Time
	info      wire.ServerInformation
	hasInfo   bool
	active    bool // false once another registrar has begun to take it over
}

// enrp handles a message that the defences let through. ASAP messages which no registrar
// has to receive end here too and are ignored.
func (r *Registrar) enrp(s *session, m wire.Message, now time.Time) {
	if m.Protocol() != wire.ENRP {
		return
	}
	sender, receiver := endpoints(m)
	if receiver != 0 && receiver != r.cfg.ServerID {
		r.log.Info("message for another registrar ignored", "message", m.Name(), "receiver", receiver.String())
		return
	}
	p := r.peer(s, m, sender, now)
	if p == nil {
		return
	}
	switch m := m.(type) {
	case *wire.Presence:
		r.presence(s, p, m)
	case *wire.ListRequest:
		r.listRequest(s)
	case *wire.HandleTableRequest:
		r.tableRequest(s, m, now)
	case *wire.HandleUpdate:
		r.handleUpdate(p, m, now)
	case *wire.InitTakeover:
		r.initTakeover(s, m)
	case *wire.TakeoverServer:
		r.takeoverServer(p, m)
	}
}

// endpoints returns the sending and receiving server IDs, which every ENRP message has.
func endpoints(m wire.Message) (sender, receiver wire.ServerID) {
	switch m := m.(type) {
	case *wire.Presence:
		return m.Sender, m.Receiver
	case *wire.HandleTableRequest:
		return m.Sender, m.Receiver
	case *wire.HandleTableResponse:
		return m.Sender, m.Receiver
	case *wire.HandleUpdate:
		return m.Sender, m.Receiver
	case *wire.ListRequest:
		return m.Sender, m.Receiver
	case *wire.ListResponse:
		return m.Sender, m.Receiver
	case *wire.InitTakeover:
		return m.Sender, m.Receiver
	case *wire.InitTakeoverAck:
		return m.Sender, m.Receiver
	case *wire.TakeoverServer:
		return m.Sender, m.Receiver
	case *wire.ENRPError:
		return m.Sender, m.Receiver
	default:
		return 0, 0
	}
}

// peer finds or makes the record of the sending registrar. An association speaks for one
// server ID, and a server ID belongs to one identity, so that a peer cannot speak for
// another. RFC 5353 section 3.4.1 adds a peer on any message; here it has authenticated
// itself before (draft section 2.5).
func (r *Registrar) peer(s *session, m wire.Message, sender wire.ServerID, now time.Time) *peer {
	granted := s.principal.Grant.Server
	known := r.peers[sender]
	switch {
	case sender == 0 || sender == r.cfg.ServerID,
		s.peer != 0 && s.peer != sender,
		granted != 0 && granted != sender,
		known != nil && known.identity != s.principal.Name && s.principal.Role != RoleUnconfined:
		r.stats.Refused[peerName]++
		r.log.Warn("refused", "message", m.Name(), "from", s.origin.Info.Remote, "identity", s.principal.Name,
			"defence", peerName, "reason", "server ID "+sender.String()+" is not the sender's")
		return nil
	}
	s.peer = sender
	if known == nil {
		known = &peer{id: sender, identity: s.principal.Name}
		r.peers[sender] = known
		r.log.Info("peer added", "peer", sender.String(), "identity", s.principal.Name)
		r.sendPresence(s, true) // RFC 5353 section 3.4.1: have it tell who it is
	}
	known.session, known.lastHeard, known.active = s, now, true
	return known
}

func (r *Registrar) peerGone(s *session) {
	if p := r.peers[s.peer]; p != nil && p.session == s {
		p.session = nil
	}
}
