// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// embeddedPeers are where a registrar that is to look for peers finds two.
func embeddedPeers(next func() netip.Addr, security Security) []Place {
	places := make([]Place, 2)
	for n := range places {
		secured := security == Secured
		places[n] = Place{Transport: association.SCTPUDP, Secured: secured, Addr: netip.AddrPortFrom(next(), standardPort(wire.ENRP, secured))}
	}
	return places
}

// randomLoopback returns 127.x.y.1 with x.y drawn at random, clear of 127.0 and 127.255.
func randomLoopback() netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + mathrand.IntN(254)), byte(mathrand.IntN(256)), 1})
}

// node is an instance for an element or a user under test, which the check starts. It works
// from the address that a registrar would have, and the harness from those beside it.
func (e *Embedded) node(ctx context.Context, w Wanted) (*Instance, error) {
	addr, give, err := e.reserve(ctx)
	if err != nil {
		return nil, fmt.Errorf("embedded reference: %w", err)
	}
	nodes := &nodeAddrs{base: addr}
	creds := e.creds
	if w.Security == Clear {
		creds = Credentials{}
	}
	var over []association.Transport
	if w.Role == PoolUser { // it comes over both, and goes from one to the other
		over = []association.Transport{association.TCP, association.SCTPUDP}
	}
	return &Instance{
		Role: w.Role, Security: w.Security, Credentials: creds, Authority: e.authority, Driver: e, Node: addr, PlayedOver: over,
		Pool: embeddedPool, OtherPool: embeddedOtherPool,
		Timers: Timers{Response: e.wait, Removal: e.wait}, Wire: wire.Strict(), Pristine: true,
		local: nodes.next, close: func(context.Context) error { return give() },
	}, nil
}

// reserve draws an address that no other instance has, and keeps it: at a port that every
// registrar listens at, and that nothing of an element or a user uses.
func (e *Embedded) reserve(ctx context.Context) (addr netip.Addr, give func() error, err error) {
	for range instanceAttempts {
		addr = e.draw()
		var kept *association.Datagram
		kept, err = association.ListenDatagram(ctx, association.DatagramConfig{Local: netip.AddrPortFrom(addr, portENRP)})
		if err == nil {
			if err = e.unused(ctx, addr); err == nil {
				return addr, kept.Close, nil
			}
			_ = kept.Close() // the next one is tried
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return addr, nil, err
}

// unused makes sure that nobody else has SCTP over UDP at addr and the next addresses, where
// the node and those that the harness plays will have it.
func (e *Embedded) unused(ctx context.Context, addr netip.Addr) error {
	const nodes = 4
	for range nodes {
		d, err := association.ListenDatagram(ctx, association.DatagramConfig{Local: netip.AddrPortFrom(addr, association.EncapsulationPort)})
		if err != nil {
			return err
		}
		if err := d.Close(); err != nil {
			return err
		}
		addr = addr.Next()
	}
	return nil
}

// embeddedDoors are the standard ports of RFC 5352 and 5353 on every transport; ENRP has no
// TCP (RFC 5353). Reference clients that cannot speak SCTP reach ENRP over SCTP over UDP.
func embeddedDoors(addr netip.Addr) []Door {
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(addr, port) }
	return []Door{
		{Protocol: wire.ASAP, Transport: association.SCTPUDP, Secured: true, Addr: at(portASAPTLS)},
		{Protocol: wire.ASAP, Transport: association.TCP, Secured: true, Addr: at(portASAPTLS)},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Secured: true, Addr: at(portENRPTLS)},
		{Protocol: wire.ASAP, Transport: association.SCTPUDP, Addr: at(portASAP)},
		{Protocol: wire.ASAP, Transport: association.TCP, Addr: at(portASAP)},
		{Protocol: wire.ENRP, Transport: association.SCTPUDP, Addr: at(portENRP)},
		{Protocol: wire.ASAP, Transport: association.UDP, Addr: at(portASAP)},
		{Protocol: wire.ENRP, Transport: association.UDP, Addr: at(portENRP)},
		{Protocol: wire.ASAP, Transport: association.UDP, Addr: netip.AddrPortFrom(embeddedGroup(addr), portASAP)},
	}
}

// embeddedGroup is where the registrar at a loopback address announces itself, and hears
// others: a group of its own, since the reference runs many times side by side, in the
// administratively scoped block (RFC 2365).
func embeddedGroup(addr netip.Addr) netip.Addr {
	b := addr.As4()
	return netip.AddrFrom4([4]byte{239, b[1], b[2], b[3]})
}

// nodeAddrs hands out the loopback addresses next to the registrar's.
type nodeAddrs struct {
	base netip.Addr
	n    atomic.Uint32
}

func (a *nodeAddrs) next() netip.Addr {
	b := a.base.As4()
	b[3] = byte(2 + (a.n.Add(1)-1)%250) // .1 is the registrar, .255 would be a broadcast
	return netip.AddrFrom4(b)
}
