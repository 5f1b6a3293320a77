// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Announcements says where to listen for ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6).
type Announcements struct {
	Listen    netip.AddrPort // port 3863; the address of the group or the unspecified one
	Groups    []netip.Addr   // 224.0.1.185, ff0x::133 (RFC 5352 section 8.4)
	Interface string         // where to join the groups; "" leaves it to the kernel
	// SCTP is the transport for announced SCTP addresses, SCTP or SCTPUDP; "" ignores them.
	SCTP association.Transport
	// TCP uses announced TCP addresses, against RFC 5352 section 3.1.
	TCP bool
	// Datagrams replaces the UDP socket.
	Datagrams Datagrams
}

// Datagrams is a socket of which only receiving is needed; *association.Datagram is one.
type Datagrams interface {
	Receive(ctx context.Context) ([]byte, netip.AddrPort, error)
	Close() error
}

// openAnnouncements begins to listen.
func (e *Element) openAnnouncements(ctx context.Context) error {
	a := e.cfg.Announcements
	if a == nil {
		return nil
	}
	e.datagrams = a.Datagrams
	if e.datagrams == nil {
		d, err := association.ListenDatagram(ctx, association.DatagramConfig{
			Local: a.Listen, Groups: a.Groups, Interface: a.Interface, Shared: true, Tap: e.cfg.Tap,
		})
		if err != nil {
			return fmt.Errorf("poolelement: announcements at %s: %w", a.Listen, err)
		}
		e.datagrams = d
	}
	e.wg.Go(func() {
		for {
			payload, from, err := e.datagrams.Receive(e.ctx)
			if err != nil {
				return // closed
			}
			e.announced(payload, from)
		}
	})
	return nil
}

// announced takes a datagram. Whoever sent it, all it can do is to name candidates: nothing
// goes to them before they have shown to be registrars (draft section 2.12).
func (e *Element) announced(payload []byte, from netip.AddrPort) {
	m, err := wire.Decode(wire.ASAP, payload, &e.cfg.Wire)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	announce, ok := m.(*wire.ServerAnnounce)
	if err != nil || !ok {
		e.stats.AnnouncementsBad++
		e.log.Debug("datagram without an announcement", "from", from, "error", err)
		return
	}
	for n, r := range e.addresses(announce, from) {
		if n == e.cfg.Limits.PerAnnouncement {
			break
		}
		e.hear(r)
	}
	e.fill()
}

// addresses lists where an announced server may be reached: at its transports, or, when it
// names none, at the sender's address and the registered port.
func (e *Element) addresses(m *wire.ServerAnnounce, from netip.AddrPort) []Registrar {
	a := e.cfg.Announcements
	var list []Registrar
	add := func(t association.Transport, addr netip.Addr, port uint16) {
		if t == "" || addr.IsUnspecified() || addr.IsMulticast() || port == 0 {
			return
		}
		// Port 3863 is registered for ASAP in clear, which a secured element does not speak.
		if e.cfg.Mode == Secured && port == wire.PortASAP {
			port = wire.PortASAPTLS
		}
		list = append(list, Registrar{Transport: t, Addr: netip.AddrPortFrom(addr.Unmap(), port)})
	}
	if len(m.Transports) == 0 {
		add(a.SCTP, from.Addr(), wire.PortASAP)
	}
	for _, t := range m.Transports {
		for _, addr := range t.Addrs {
			switch {
			case t.Kind == wire.TransportSCTP:
				add(a.SCTP, addr, t.Port)
			case t.Kind == wire.TransportTCP && a.TCP:
				add(association.TCP, addr, t.Port)
			}
		}
	}
	return list
}

// hear inserts an announced address or restarts its T7.
func (e *Element) hear(r Registrar) {
	l := e.servers
	c := l.find(r)
	if c == nil {
		if len(l.announced) >= e.cfg.Limits.Announced {
			e.stats.AnnouncementsPushed++
			if !l.makeRoom() {
				return
			}
		}
		c = &candidate{Registrar: r, announced: true, order: l.rand.Uint64()}
		l.announced = append(l.announced, c)
	}
	if !c.announced {
		return // the administrator named it, it does not go out of date
	}
	e.stats.Announcements++
	if c.outdate != nil {
		c.outdate.Stop()
	}
	// A timer that fires while it is replaced finds that it is not the candidate's own.
	var own *time.Timer
	own = time.AfterFunc(e.cfg.Timers.ServerOutdate, func() { // T7
		e.mu.Lock()
		defer e.mu.Unlock()
		if c.outdate == own {
			l.forget(c)
		}
	})
	c.outdate = own
}
