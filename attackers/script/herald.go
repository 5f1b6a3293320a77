// SPDX-License-Identifier: Apache-2.0

package script

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// HeraldOptions describe a node that announces registrars.
type HeraldOptions struct {
	Name  string // as reports show it
	Peer  string // who listens: "pe", "pu"
	Local netip.Addr
	// To is where announcements go: a multicast group, and unicast addresses beside it.
	To       []netip.AddrPort
	Hostile  bool // it is an attacker's
	Wire     wire.Options
	Recorder Recorder
}

// Herald sends ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6) by multicast and unicast.
type Herald struct {
	opts HeraldOptions
	out  *association.Datagram
}

// OpenHerald opens the socket to announce from.
func OpenHerald(ctx context.Context, o HeraldOptions) (*Herald, error) {
	out, err := OpenDatagram(ctx, o.Local, o.Recorder, o.To...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Name, err)
	}
	return &Herald{opts: o, out: out}, nil
}

// OpenDatagram opens a socket to send to multicast groups and unicast addresses from.
func OpenDatagram(ctx context.Context, local netip.Addr, r Recorder, to ...netip.AddrPort) (*association.Datagram, error) {
	c := association.DatagramConfig{Local: netip.AddrPortFrom(local, 0)}
	if r != nil { // an interface that holds nothing would be called
		c.Tap = r
	}
	for _, t := range to {
		if t.Addr().IsMulticast() {
			c.Groups = append(c.Groups, t.Addr())
		}
	}
	var err error
	if c.Interface, err = interfaceOf(local); err != nil {
		return nil, err
	}
	return association.ListenDatagram(ctx, c)
}

// interfaceOf names the interface that has an address. Linux takes all of 127.0.0.0/8 for
// its own without listing it.
func interfaceOf(addr netip.Addr) (string, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range interfaces {
		if addr.IsLoopback() && i.Flags&net.FlagLoopback != 0 {
			return i.Name, nil
		}
		own, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(addr.AsSlice()) {
				return i.Name, nil
			}
		}
	}
	return "", nil // the kernel chooses
}

// Announce sends m everywhere once. That nobody listens at a unicast address is no error.
func (h *Herald) Announce(ctx context.Context, m *wire.ServerAnnounce) error {
	b, err := m.Append(nil, &h.opts.Wire)
	if err != nil {
		return fmt.Errorf("%s: encode %s: %w", h.opts.Name, m.Name(), err)
	}
	var errs []error
	for _, to := range h.opts.To {
		if h.opts.Hostile && !MaySend(h.opts.Recorder) {
			continue
		}
		if h.opts.Recorder != nil {
			door := Door{Protocol: wire.ASAP, Transport: association.UDP, Addr: to}
			h.opts.Recorder.Message(Event{Time: time.Now(), From: h.opts.Name, To: h.opts.Peer, Door: door, Message: m, Payload: b})
		}
		if err := h.out.Send(ctx, b, to); err != nil && to.Addr().IsMulticast() {
			errs = append(errs, fmt.Errorf("%s: announce to %s: %w", h.opts.Name, to, err))
		}
	}
	return errors.Join(errs...)
}

// Close gives the socket back.
func (h *Herald) Close() { _ = h.out.Close() } // there is nothing else to do with it
