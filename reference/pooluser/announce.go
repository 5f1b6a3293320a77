// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// listen takes announcements until the source is closed (RFC 5352 section 3.6).
// They come from anybody and are answered to nobody, not even by an ASAP_ERROR.
func (u *User) listen(ctx context.Context, source Source) {
	decoder := wire.Decoder{Options: u.cfg.Wire}
	for {
		b, from, err := source.Receive(ctx)
		if err != nil {
			if ctx.Err() == nil {
				u.log.Error("announcements can no longer be received", "error", err)
			}
			return
		}
		m, err := decoder.Decode(wire.ASAP, b)
		a, ok := m.(*wire.ServerAnnounce)
		if err != nil || !ok {
			u.count(func(s *Stats) { s.AnnouncementsDropped++ })
			u.log.Debug("datagram dropped", "from", from, "octets", len(b), "error", err)
			continue
		}
		u.announced(a, from.Addr().Unmap())
	}
}

// announced remembers the transport addresses in an announcement.
func (u *User) announced(a *wire.ServerAnnounce, source netip.Addr) {
	transports := a.Transports
	if len(transports) == 0 {
		// "the SCTP transport protocol is assumed to be used and the source IP
		// address and the IANA-registered ASAP port number"
		transports = []wire.Transport{{
			Kind: wire.TransportSCTP, Port: defaultPort(u.cfg.Mode), Addrs: []netip.Addr{source},
		}}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	for i := range transports {
		t := &transports[i]
		for _, addr := range t.Addrs {
			fresh := Announced{Source: source, Server: Server{
				Transport: u.announcedTransport(t.Kind), Addr: netip.AddrPortFrom(addr.Unmap(), t.Port), Name: u.cfg.Announce.Name,
			}}
			if t.Port == 0 || addr.IsUnspecified() || addr.IsMulticast() ||
				!u.servers.announce(now, fresh, u.cfg.Timers.Outdate, u.cfg.Defences.Announcement, u.cfg.Limits) {
				u.stats.AnnouncementsDropped++
			}
		}
	}
}

func (u *User) announcedTransport(k wire.TransportKind) association.Transport {
	switch {
	case k == wire.TransportTCP:
		return association.TCP
	case u.cfg.Announce.SCTP != "":
		return u.cfg.Announce.SCTP
	}
	return association.SCTPUDP
}
