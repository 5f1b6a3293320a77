// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

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
		r.handleUpdate(s, p, m, now)
	case *wire.InitTakeover:
		r.initTakeover(s, p, m, now)
	case *wire.InitTakeoverAck:
		r.initTakeoverAck(p, m)
	case *wire.TakeoverServer:
		r.takeoverServer(p, m, now)
	case *wire.ListResponse, *wire.HandleTableResponse:
		r.answered(s, m)
	case *wire.ENRPError:
		r.enrpError(s, m)
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
