// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Announcements enables ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6). They tell where the
// ASAP doors are and nothing else; who hears them has to authenticate the registrar that it
// finds there (draft section 2.12).
type Announcements struct {
	Group     netip.AddrPort // 224.0.1.185 or ff0x::133, port 3863 (RFC 5352 section 8.4)
	Local     netip.AddrPort // to send from; port 0: any
	Interface string         // where to send to and join the group; "" leaves it to the kernel
	// Datagrams replaces the sockets.
	Datagrams Datagrams
}

// Datagrams sends to and receives from the group.
type Datagrams interface {
	Send(ctx context.Context, payload []byte, to netip.AddrPort) error
	Receive(ctx context.Context) ([]byte, netip.AddrPort, error)
	Close() error
}

// announcer announces this registrar and counts the others that are announced.
type announcer struct {
	out   Datagrams
	alarm alarm
	heard map[wire.ServerID]*alarm // T7 of each; anybody can send what is counted here
}

func (r *Registrar) openAnnouncements(ctx context.Context) error {
	a := r.cfg.Announcements
	if a == nil {
		return nil
	}
	in := a.Datagrams
	r.announcer.out, r.announcer.heard = in, make(map[wire.ServerID]*alarm)
	if in == nil {
		// Two sockets: one bound to the group does not hear what is for others, and one that
		// is not has an address of ours as its source.
		out, err := association.ListenDatagram(ctx, association.DatagramConfig{Local: a.Local, Groups: []netip.Addr{a.Group.Addr()}, Interface: a.Interface})
		if err != nil {
			return fmt.Errorf("registrar: announce from %s: %w", a.Local, err)
		}
		r.datagrams = append(r.datagrams, out)
		r.announcer.out = out
		group, err := association.ListenDatagram(ctx, association.DatagramConfig{Local: a.Group, Groups: []netip.Addr{a.Group.Addr()}, Interface: a.Interface, Shared: true})
		if err != nil {
			return fmt.Errorf("registrar: listen to announcements at %s: %w", a.Group, err)
		}
		r.datagrams, in = append(r.datagrams, group), group
	}
	r.wg.Go(func() { r.hearAnnouncements(in) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scheduleAnnouncement()
	return nil
}

// scheduleAnnouncement waits (N+1)*T6, N being the number of other servers that are heard.
func (r *Registrar) scheduleAnnouncement() {
	n := time.Duration(len(r.announcer.heard) + 1)
	r.set(&r.announcer.alarm, n*r.cfg.Timers.ServerAnnounce, func(time.Time) {
		if r.ready {
			r.announceServer()
		}
		r.scheduleAnnouncement()
	})
}

// announceServer sends one announcement. A socket for datagrams does not block for long.
func (r *Registrar) announceServer() {
	m := wire.ServerAnnounce{Server: r.cfg.ServerID}
	for _, d := range r.cfg.Doors {
		if d.Protocol != wire.ASAP || d.Secured != (r.cfg.Mode == Secured) || d.Addr.Addr().IsUnspecified() {
			continue
		}
		t := wire.Transport{Port: d.Addr.Port(), Addrs: []netip.Addr{d.Addr.Addr().Unmap()}}
		switch {
		case d.Transport.IsSCTP():
			t.Kind = wire.TransportSCTP
		case d.Transport == association.TCP:
			t.Kind = wire.TransportTCP
		default:
			continue
		}
		m.Transports = append(m.Transports, t)
	}
	b, err := m.Append(nil, &r.cfg.Wire)
	if err == nil {
		err = r.announcer.out.Send(r.ctx, b, r.cfg.Announcements.Group)
	}
	if err != nil {
		r.log.Warn("announcement not sent", "error", err)
	}
}

func (r *Registrar) hearAnnouncements(in Datagrams) {
	for {
		payload, from, err := in.Receive(r.ctx)
		if err != nil {
			return // closed
		}
		m, err := wire.Decode(wire.ASAP, payload, &r.cfg.Wire)
		announce, ok := m.(*wire.ServerAnnounce)
		r.mu.Lock()
		if err == nil && ok {
			if r.cfg.TrustAnnouncements && announce.Server != r.cfg.ServerID {
				at := wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortENRP, Addrs: []netip.Addr{from.Addr()}}
				r.trust(wire.ServerInformation{ID: announce.Server, Transport: at})
			}
			r.countServer(announce.Server)
		} else {
			r.stats.Dropped++
			r.log.Debug("datagram dropped", "from", from, "error", err)
		}
		r.mu.Unlock()
	}
}

// countServer counts a server until T7 after its last announcement.
func (r *Registrar) countServer(id wire.ServerID) {
	heard := r.announcer.heard
	if id == r.cfg.ServerID || (heard[id] == nil && len(heard) >= r.cfg.Limits.MaxAnnounced) {
		return
	}
	if heard[id] == nil {
		heard[id] = &alarm{}
	}
	outdate := time.Duration(len(heard)+1) * r.cfg.Timers.ServerOutdate
	r.set(heard[id], outdate, func(time.Time) { delete(heard, id) })
}
