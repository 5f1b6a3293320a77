// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// openDatagram listens for what peers and elements announce by UDP. Announcements cannot
// be authenticated (draft section 2.12), so nothing that comes this way changes anything.
func (o *opener) openDatagram(ctx context.Context, door *Door) error {
	d, err := association.ListenDatagram(ctx, association.DatagramConfig{Local: door.Addr})
	if err != nil {
		return err
	}
	door.Addr = d.Local()
	o.r.datagrams = append(o.r.datagrams, d)
	o.r.wg.Go(func() { o.r.drain(d, *door) })
	return nil
}

func (r *Registrar) drain(d *association.Datagram, door Door) {
	for {
		payload, from, err := d.Receive(r.ctx)
		if err != nil {
			return
		}
		if r.cfg.TrustDatagrams && r.believe(payload, door.Protocol) {
			continue
		}
		r.mu.Lock()
		r.stats.Dropped++
		r.mu.Unlock()
		r.log.Info("datagram dropped", "door", door.String(), "from", from, "bytes", len(payload))
	}
}

// believe takes a presence in a datagram for the word of a registrar, which puts it on the
// peer list. See Config.TrustDatagrams.
func (r *Registrar) believe(payload []byte, protocol wire.Protocol) bool {
	m, err := wire.Decode(protocol, payload, &r.cfg.Wire)
	p, ok := m.(*wire.Presence)
	if err != nil || !ok || !p.HasServer || p.Sender == 0 || p.Sender == r.cfg.ServerID {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Server.ID = p.Sender
	return r.trust(p.Server)
}

// trust puts a registrar on the peer list that has only said of itself that it is one.
func (r *Registrar) trust(server wire.ServerInformation) bool {
	known := r.peers[server.ID]
	if known == nil {
		if known = r.addPeer(server.ID, ""); known == nil {
			return false
		}
	}
	known.info, known.hasInfo, known.lastHeard = cloneServer(server), true, time.Now()
	return true
}
