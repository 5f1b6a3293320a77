//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// PE checksums of single elements of EchoPool, computed by hand from RFC 5353 section 3.6.2: the words of the handle sum
// up to 0x1fcf3 for EchoPool, those of the identifier are added.
const (
	checksumNone    = 0xffff
	checksumTheirs  = 0x29a5 // EchoPool, 0x12345678
	theirs, another = wire.PEID(0x12345678), wire.PEID(0x00000001)
	mine            = wire.PEID(0x0badcafe)
)

// peerAt has a registrar of ours know one at an address as its mentor.
func peerAt(list ...netip.Addr) func(*registrar.Config) {
	return func(c *registrar.Config) {
		for _, a := range list {
			c.Peers = append(c.Peers, registrar.Peer{Transport: association.SCTP, Addr: at(a, guest.ENRPPort)})
		}
	}
}

// checksumOf is RFC 1071's sum over pool handle and identifier of elements.
func checksumOf(ids ...wire.PEID) uint16 {
	sum := uint32(0)
	for _, id := range ids {
		for i := 0; i < len(pool); i += 2 {
			sum += uint32(pool[i])<<8 | uint32(pool[i+1])
		}
		sum += uint32(id>>16) + uint32(id&0xffff)
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// has tells whether a registrar has just these elements, each with its home.
func (r *ours) has(want map[wire.PEID]wire.ServerID) bool {
	all := r.Snapshot()
	if len(all) != len(want) {
		return false
	}
	for _, e := range all {
		if e.Handle != pool || want[e.PE.ID] != e.PE.Home {
			return false
		}
	}
	return true
}

// Our registrar joins with rspregistrar as its mentor: it gets the handle table, and from then on each has the elements
// of the other, with the checksum that the RFC's rule gives for what was registered.
func TestOurRegistrarJoinsWithRspregistrarAsMentor(t *testing.T) {
	b := newBed(t)
	c := b.capture()
	b.rspregistrar(firstRegistrar, smallID)
	server := b.rspserver(firstElement, theirs, addr(firstRegistrar))
	atTheirs := b.user(hosts(addr(firstRegistrar)), nil)
	b.await("rsplib's element is registered", func() bool { return b.resolved(atTheirs, theirs) })

	r := b.registrar(vm.Host(), peerAt(addr(firstRegistrar)))
	b.await("our registrar has the handle table", func() bool { return r.has(map[wire.PEID]wire.ServerID{theirs: smallID}) })
	e, _ := r.element(theirs)
	if e.PE.Life < 60 || e.PE.Life > 600 || !e.PE.HasASAP {
		t.Errorf("in the handle table as %+v", e.PE)
	}
	n := b.element(here(0), mine, hosts(vm.Host()), nil)
	b.expect(n, poolelement.Registered)
	b.await("rspregistrar has our element", func() bool { return b.resolved(atTheirs, theirs, mine) })
	both := map[wire.PEID]wire.ServerID{theirs: smallID, mine: ourID}
	if !r.has(both) {
		t.Errorf("our registrar has %v", r.Snapshot())
	}

	b.agree(c, r, checksumOf(theirs), checksumOf(mine))
	if sum, _ := c.checksum(addr(firstRegistrar)); sum != checksumTheirs {
		t.Errorf("rspregistrar's checksum is %#04x, want %#04x", sum, checksumTheirs)
	}

	// Updates, in both directions.
	if err := n.Deregister(b.ctx, wire.PoolHandle(pool)); err != nil {
		t.Error(err)
	}
	b.await("our element is gone from rspregistrar", func() bool { return b.resolved(atTheirs, theirs) })
	b.rspserver(secondElement, another, addr(firstRegistrar))
	b.await("a new element of rsplib is with us", func() bool {
		return r.has(map[wire.PEID]wire.ServerID{theirs: smallID, another: smallID})
	})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	b.await("a dead element of rsplib is gone here", func() bool { return r.has(map[wire.PEID]wire.ServerID{another: smallID}) })
	b.agree(c, r, checksumOf(another), checksumNone)
}

// rspregistrar joins with our registrar as its mentor.
func TestRspregistrarJoinsWithOursAsMentor(t *testing.T) {
	b := newBed(t)
	c := b.capture()
	r := b.registrar(vm.Host(), nil)
	n := b.element(here(0), mine, hosts(vm.Host()), nil)
	b.expect(n, poolelement.Registered)
	b.rspregistrar(firstRegistrar, largeID, "-peer="+at(vm.Host(), guest.ENRPPort).String())
	atTheirs := b.user(hosts(addr(firstRegistrar)), nil)
	b.await("rspregistrar has the handle table", func() bool { return b.resolved(atTheirs, mine) })
	b.rspserver(firstElement, theirs, addr(firstRegistrar))
	both := map[wire.PEID]wire.ServerID{theirs: largeID, mine: ourID}
	b.await("our registrar has rsplib's element", func() bool { return r.has(both) })
	b.agree(c, r, checksumOf(theirs), checksumOf(mine))
	if !b.resolved(atTheirs, theirs, mine) {
		t.Error("an element is gone from rspregistrar")
	}
}

// agree waits for three presences of each side with the wanted checksums, during which neither asks for a handle table:
// each has computed the same from what it has of the other.
func (b *bed) agree(c *capture, r *ours, theirSum, ourSum uint16) {
	b.Helper()
	peer := addr(firstRegistrar)
	b.await("presences with the right checksums", func() bool {
		s, ok := c.checksum(peer)
		o, known := c.checksum(vm.Host())
		return ok && known && s == theirSum && o == ourSum
	})
	count := func(typ uint8) [2]int { return [2]int{len(c.of(peer, typ)), len(c.of(vm.Host(), typ))} }
	presences, requests, audits := count(wire.TypePresence), count(wire.TypeHandleTableRequest), r.Stats().Audits
	b.await("three more presences of each", func() bool {
		now := count(wire.TypePresence)
		return now[0] >= presences[0]+3 && now[1] >= presences[1]+3
	})
	for _, side := range []struct {
		from netip.Addr
		want uint16
	}{{peer, theirSum}, {vm.Host(), ourSum}} {
		if sum, _ := c.checksum(side.from); sum != side.want {
			b.Errorf("the checksum of %s is %#04x, want %#04x", side.from, sum, side.want)
		}
	}
	if now := count(wire.TypeHandleTableRequest); now != requests || r.Stats().Audits != audits {
		b.Errorf("handle table requests %v, before %v; our audits %d, before %d", now, requests, r.Stats().Audits, audits)
	}
}
