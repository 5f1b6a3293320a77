//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// rsplibGroup is where rsplib announces registrars.
var rsplibGroup = netip.MustParseAddrPort("239.0.0.50:3863")

// Our element and our user find rspregistrar by its announcements, which name no address: it is where they come from.
func TestOurElementAndUserHearRspregistrar(t *testing.T) {
	b := newBed(t)
	b.rspregistrar(firstRegistrar, smallID, "-asapannounce="+rsplibGroup.String(), "-serverannouncecycle=500", "-mentordiscoverytimeout=1000")
	listen := netip.AddrPortFrom(netip.IPv4Unspecified(), rsplibGroup.Port())
	groups := []netip.Addr{rsplibGroup.Addr()}
	n := b.element(here(0), mine, nil, func(c *poolelement.Config) {
		c.Announcements = &poolelement.Announcements{Listen: listen, Groups: groups, Interface: vm.Interface(), SCTP: association.SCTP}
	})
	if ev := b.expect(n, poolelement.Registered); ev.Remote != at(addr(firstRegistrar), guest.ASAPPort) {
		t.Errorf("registered at %s", ev.Remote)
	}
	u := b.user(nil, func(c *pooluser.Config) {
		c.Announce = &pooluser.Announce{Local: listen, Groups: groups, Interface: vm.Interface(), SCTP: association.SCTP}
	})
	if !b.resolved(u, mine) {
		t.Error("our user has not found the element")
	}
}

// rsplib's element and user find our registrar by its announcements.
func TestRsplibElementAndUserHearOurRegistrar(t *testing.T) {
	b := newBed(t)
	r := b.registrar(vm.Host(), func(c *registrar.Config) {
		c.Announcements = &registrar.Announcements{Group: rsplibGroup, Local: at(vm.Host(), 0), Interface: vm.Interface()}
	})
	// Without the option -registrar.
	b.spawn("rspserver", "-echo", "-poolhandle="+pool, fmt.Sprintf("-identifier=0x%08x", uint32(theirs)),
		"-local="+at(addr(firstElement), 0).String(), "-asapannounce="+rsplibGroup.String(), "-logcolor=off", "-loglevel=6")
	b.await("rsplib's element is registered", func() bool { return r.has(map[wire.PEID]wire.ServerID{theirs: ourID}) })
	b.terminal("hello", "> hello", "-asapannounce="+rsplibGroup.String())
}
