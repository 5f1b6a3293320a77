// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// space is what a handlespace is asked for here.
type space interface {
	Register(now time.Time, handle []byte, pe *wire.PoolElement, owner string) (handlespace.Outcome, error)
	Deregister(handle []byte, id wire.PEID) (handlespace.Element, bool)
	Resolve(handle []byte, max int, dst []wire.PoolElement) ([]wire.PoolElement, wire.Policy, error)
	Expire(now time.Time) []handlespace.Element
	Rehome(from, to wire.ServerID) []handlespace.Element
	Mark(server wire.ServerID)
	Sweep(server wire.ServerID) []handlespace.Element
	Page(after handlespace.Cursor, maxBytes int, own bool) ([]wire.PoolEntry, handlespace.Cursor, bool)
	Snapshot() handlespace.Snapshot
	NextExpiry() (time.Time, bool)
	Checksum(server wire.ServerID) uint16
	Len() int
	Pools() int
}

// FuzzHandlespace takes the input as operations on a handlespace, which a map of its elements
// makes too: both say the same after each.
func FuzzHandlespace(data []byte) int {
	return operate(data, func(o handlespace.Options) space { return handlespace.New(o) })
}

// start is when operations begin.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// What operations choose from: few names, so that they meet.
var (
	handles  = []string{"A", "EchoPool", "odd", "\x00\xff"}
	servers  = []wire.ServerID{1, 2, 0xffffffff}
	owners   = []string{"", "alice", "bob"}
	ids      = []wire.PEID{0, 1, 0x12345678, 0xffff0000, 0xffffffff}
	lives    = []int32{-1, 0, 1, 5, 60, 2147483647, -2}
	policies = []wire.PolicyType{
		wire.RoundRobin, wire.WeightedRoundRobin, wire.Random, wire.WeightedRandom, wire.Priority, wire.LeastUsed,
		wire.LeastUsedDegradation, wire.PriorityLeastUsed, wire.RandomizedLeastUsed, 0x80000001,
	}
	kinds = []wire.TransportKind{wire.TransportSCTP, wire.TransportTCP, wire.TransportOpaque, 0}
	hosts = []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::1")}
)

// maxOperations is how much happens to one handlespace, since all of it is compared each time.
const maxOperations = 64

func operate(data []byte, open func(handlespace.Options) space) int {
	limits := handlespace.Options{Server: servers[0], MaxPools: 3, MaxElements: 8, MaxPerPool: 4, MaxPerOwner: 3}
	s, m, d := open(limits), newSpaceModel(limits), &decisions{data}
	kept := 0
	for range maxOperations {
		if !d.more() {
			break
		}
		switch d.octet() % 8 {
		case 0, 1, 2:
			if register(s, m, d) {
				kept = 1
			}
		case 3:
			handle, id := pick(d, handles), pick(d, ids)
			_, got := s.Deregister([]byte(handle), id)
			if want := m.remove(elementName{handle, id}); got != want {
				panic(fmt.Sprintf("deregistered: %v, want %v", got, want))
			}
		case 4:
			m.now = m.now.Add(time.Duration(d.octet()) * 500 * time.Millisecond)
			checkGone("expired", s.Expire(m.now), m.expire())
		case 5:
			resolve(s, m, d)
		case 6:
			from, to := pick(d, servers), pick(d, servers)
			s.Rehome(from, to)
			m.rehome(from, to)
		case 7:
			server := pick(d, servers)
			if d.octet()%2 == 0 {
				s.Mark(server)
				m.mark(server)
			} else {
				checkGone("swept", s.Sweep(server), m.sweep(server))
			}
		}
		checkSpace(s, m)
	}
	return kept
}

func register(s space, m *spaceModel, d *decisions) bool {
	handle, owner := pick(d, handles), pick(d, owners)
	pe := anyElement(d)
	want, wantErr := m.register(handle, pe, owner)
	got, err := s.Register(m.now, []byte(handle), pe, owner)
	if got != want || !errors.Is(err, wantErr) {
		panic(fmt.Sprintf("registered: %v, %v, want %v, %v", got, err, want, wantErr))
	}
	return err == nil
}

func anyElement(d *decisions) *wire.PoolElement {
	pe := &wire.PoolElement{ID: pick(d, ids), Home: pick(d, servers), Life: pick(d, lives)}
	pe.Policy = wire.Policy{Type: policies[d.octet()/64], Weight: uint32(d.octet()), Load: uint32(d.octet()) << 24}
	if d.octet()%4 == 0 {
		pe.Policy.Type = pick(d, policies)
	}
	shape := d.octet()
	pe.User = wire.Transport{Kind: kinds[max(int(shape%16)-12, 0)], Port: uint16(shape)}
	if pe.User.Kind == wire.TransportOpaque {
		pe.User.Opaque = d.take(int(d.octet()))
	} else {
		pe.User.Addrs = slices.Clone(hosts[:1+shape/16%3])
	}
	if shape > 200 && pe.User.Kind == wire.TransportSCTP {
		pe.User.Use = wire.DataAndControl
	}
	if pe.HasASAP = shape%2 == 1; pe.HasASAP {
		pe.ASAP = wire.Transport{Kind: wire.TransportSCTP, Port: 1, Addrs: []netip.Addr{pick(d, hosts)}}
	}
	return pe
}

func resolve(s space, m *spaceModel, d *decisions) {
	handle, limit := pick(d, handles), int(d.octet()%8)-1
	got, policy, err := s.Resolve([]byte(handle), limit, nil)
	size := m.size(handle)
	if size == 0 {
		if !errors.Is(err, handlespace.ErrUnknownPool) || len(got) > 0 {
			panic(fmt.Sprintf("resolution of an unknown pool: %v, %v", got, err))
		}
		return
	}
	if limit > 0 {
		size = min(size, limit)
	}
	if err != nil || policy.Type != m.pools[handle].policy || len(got) > size || len(got) == 0 {
		panic(fmt.Sprintf("resolution: %d elements, %v, %v, want at most %d, %v", len(got), policy.Type, err, size, m.pools[handle].policy))
	}
	seen := map[wire.PEID]bool{}
	for _, e := range got {
		if _, known := m.elements[elementName{handle, e.ID}]; !known || seen[e.ID] {
			panic(fmt.Sprintf("resolution has %v, which is no element or twice there: %+v", e.ID, got))
		}
		seen[e.ID] = true
	}
}

// checkGone compares what both removed, in any order.
func checkGone(how string, got, want []handlespace.Element) {
	checkSnapshots(how, handlespace.SnapshotOf(slices.Values(got)), handlespace.SnapshotOf(slices.Values(want)))
	if len(got) != len(want) {
		panic(fmt.Sprintf("%s: %d elements, want %d", how, len(got), len(want)))
	}
}

func checkSnapshots(what string, got, want handlespace.Snapshot) {
	if changes := want.Diff(got); len(changes) > 0 {
		panic(fmt.Sprintf("%s: not as expected: %v", what, changes))
	}
}

// checkSpace compares all that can be asked without changing anything.
func checkSpace(s space, m *spaceModel) {
	checkSnapshots("handlespace", s.Snapshot(), m.snapshot())
	if s.Len() != len(m.elements) || s.Pools() != len(m.pools) {
		panic(fmt.Sprintf("%d elements in %d pools, want %d in %d", s.Len(), s.Pools(), len(m.elements), len(m.pools)))
	}
	next, some := s.NextExpiry()
	if want := m.nextExpiry(); some == want.IsZero() || !next.Equal(want) {
		panic(fmt.Sprintf("next expiry is %v, want %v", next, want))
	}
	for _, server := range servers {
		if got, want := s.Checksum(server), m.checksum(server); got != want {
			panic(fmt.Sprintf("checksum of %v is 0x%04x, want 0x%04x", server, got, want))
		}
	}
	for _, own := range []bool{false, true} {
		checkPages(s, m, own)
	}
}

// checkPages downloads the handle table in small pages: each element is in it exactly once.
func checkPages(s space, m *spaceModel, own bool) {
	const small = 100 // bytes: one or two elements a page
	seen := map[elementName]bool{}
	var at handlespace.Cursor
	for more := true; more; {
		var pools []wire.PoolEntry
		pools, at, more = s.Page(at, small, own)
		for _, p := range pools {
			for _, e := range p.Elements {
				n := elementName{string(p.PoolHandle), e.ID}
				if _, known := m.elements[n]; !known || seen[n] {
					panic(fmt.Sprintf("handle table has %v, which is no element or twice there", n))
				}
				seen[n] = true
			}
		}
		if more && len(pools) == 0 {
			panic("a page without elements, and more to come")
		}
	}
	if want := m.count(own); len(seen) != want {
		panic(fmt.Sprintf("handle table has %d elements, want %d", len(seen), want))
	}
}
