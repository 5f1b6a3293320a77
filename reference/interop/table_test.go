//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut/guest"
)

// manyPools is more than what fits into a page of a handle table, of 1400 octets, several times over.
const manyPools = 60

// policies are those of RFC 5356, each with values of its own.
var policies = []wire.Policy{
	{Type: wire.RoundRobin},
	{Type: wire.WeightedRoundRobin, Weight: 3},
	{Type: wire.Random},
	{Type: wire.WeightedRandom, Weight: 5},
	{Type: wire.Priority, Priority: 7},
	{Type: wire.LeastUsed, Load: 0x40000000},
	{Type: wire.LeastUsedDegradation, Load: 0x20000000, Degradation: 0x01000000},
	{Type: wire.PriorityLeastUsed, Load: 0x10000000, Degradation: 0x02000000},
	{Type: wire.RandomizedLeastUsed, Load: 0x30000000},
}

// crowd is an element of ours in many pools, of all policies.
func (b *bed) crowd(a netip.Addr, registrar netip.Addr, prefix string) (*node, []poolelement.Pool) {
	b.Helper()
	var pools []poolelement.Pool
	for i := range manyPools {
		pools = append(pools, poolelement.Pool{
			Handle: wire.PoolHandle(fmt.Sprintf("%s %02d", prefix, i)), ID: wire.PEID(0x1000 + i), Policy: policies[i%len(policies)],
			User: wire.Transport{Kind: wire.TransportSCTP, Port: servicePort, Use: wire.DataAndControl, Addrs: []netip.Addr{a}},
		})
	}
	n := b.element(a, 0, hosts(registrar), func(c *poolelement.Config) { c.Pools = pools })
	for range pools {
		b.expect(n, poolelement.Registered)
	}
	return n, pools
}

// Handle tables of many pages go both ways, and nothing of the elements is lost or changed on the way.
func TestHandleTablesOfManyPages(t *testing.T) {
	b := newBed(t)
	c := b.capture()
	b.rspregistrar(firstRegistrar, smallID)
	_, pools := b.crowd(here(0), addr(firstRegistrar), "theirs")
	r := b.registrar(vm.Host(), peerAt(addr(firstRegistrar)))
	b.await("our registrar has the handle table", func() bool { return len(r.Snapshot()) == manyPools })
	have := r.Snapshot()
	for i, p := range pools {
		e := have[i]
		if e.Handle != string(p.Handle) || e.PE.ID != p.ID || e.PE.Home != smallID || e.PE.Life != poolelement.DefaultLife ||
			!reflect.DeepEqual(e.PE.Policy, p.Policy) || !reflect.DeepEqual(e.PE.User, p.User) || fmt.Sprint(e.PE.ASAP.Addrs) != fmt.Sprint(p.User.Addrs) {
			t.Errorf("registered %+v, have %+v", p, e)
		}
	}
	if pages := len(c.of(addr(firstRegistrar), wire.TypeHandleTableResponse)); pages < 3 {
		t.Errorf("rspregistrar has sent %d pages", pages)
	}

	_, pools = b.crowd(here(1), vm.Host(), "ours")
	b.rspregistrar(secondRegistrar, largeID, "-peer="+at(vm.Host(), guest.ENRPPort).String())
	u := b.user(hosts(addr(secondRegistrar)), nil)
	for _, p := range pools {
		b.await("the second rspregistrar has "+p.Handle.String(), func() bool {
			found, err := u.Resolve(b.ctx, string(p.Handle))
			if err != nil || len(found.Elements) != 1 {
				return false
			}
			if e := found.Elements[0]; e.ID != p.ID || e.Home != ourID || e.Life != poolelement.DefaultLife ||
				!reflect.DeepEqual(e.Policy, p.Policy) || !reflect.DeepEqual(e.User, p.User) || !reflect.DeepEqual(found.Policy, p.Policy) {
				t.Errorf("registered %+v, resolved %+v with policy %+v", p, e, found.Policy)
			}
			return true
		})
	}
	pages := 0
	for _, m := range c.of(vm.Host(), wire.TypeHandleTableResponse) {
		const more = 2
		if m[1]&more != 0 {
			pages++
		}
	}
	if pages < 3 {
		t.Errorf("our registrar has sent %d pages that are not the last", pages)
	}
}

// hsdump, rsplib's tool that prints a handlespace, reads that of our registrar.
func TestHsdumpReadsOurHandlespace(t *testing.T) {
	b := newBed(t)
	b.registrar(vm.Host(), nil)
	b.expect(b.element(here(0), mine, hosts(vm.Host()), nil), poolelement.Registered)
	out, err := vm.Exec(b.ctx, "timeout", "20", "hsdump", at(vm.Host(), guest.ENRPPort).String())
	if err != nil || !strings.Contains(out, fmt.Sprintf("$%08x", uint32(mine))) || !strings.Contains(out, pool) {
		t.Errorf("%v\n%s", err, out)
	}
}
