// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestReregistrationReplacesAttributes(t *testing.T) {
	s := New(Options{})
	if o := mustRegister(t, s, "a", pe(1), "alice"); o != Created {
		t.Errorf("first registration: %v", o)
	}
	changed := pe(1, port(9), life(60), homed(peer))
	changed.User.Addrs = []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("10.0.0.2")}
	changed.ASAP, changed.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: 3, Addrs: changed.User.Addrs[1:]}, true
	later := start.Add(20 * time.Second)
	if o, err := s.Register(later, []byte("a"), changed, "alice"); o != Updated || err != nil {
		t.Errorf("second registration: %v, %v", o, err)
	}
	want := Snapshot{{Handle: "a", PE: *changed, Owner: "alice", Expires: later.Add(60 * time.Second)}}
	for _, c := range want.Diff(s.Snapshot()) {
		t.Error(c)
	}
	if s.Len() != 1 || s.Owned(own) != 0 || s.Owned(peer) != 1 {
		t.Errorf("%d elements, %d own, %d of the peer", s.Len(), s.Owned(own), s.Owned(peer))
	}
}

// TestConsistency is RFC 5352 section 3.1 rules 2 and 3, for new elements and for
// re-registrations, and that a refusal changes nothing.
func TestConsistency(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*wire.PoolElement)
		want   error
	}{
		"policy type":   {with(wire.Policy{Type: wire.LeastUsed}), ErrPolicyMismatch},
		"policy values": {with(wire.Policy{Type: wire.WeightedRoundRobin, Weight: 9}), nil},
		"transport":     {func(e *wire.PoolElement) { e.User.Kind = wire.TransportTCP }, ErrTransportMismatch},
		"use":           {func(e *wire.PoolElement) { e.User.Use = wire.DataAndControl }, ErrUseMismatch},
		"port":          {port(1), nil},
		"everything": {func(e *wire.PoolElement) {
			e.Policy.Type, e.User.Kind, e.User.Use = wire.Random, wire.TransportUDP, wire.DataAndControl
		}, ErrPolicyMismatch},
	} {
		for _, id := range []wire.PEID{1, 2} {
			t.Run(name, func(t *testing.T) {
				s := New(Options{})
				first := pe(1, with(wire.Policy{Type: wire.WeightedRoundRobin, Weight: 5}))
				mustRegister(t, s, "a", first, "alice")
				before := s.Snapshot()
				element := pe(id, with(first.Policy), test.change)
				if _, err := s.Register(start, []byte("a"), element, "mallory"); !errors.Is(err, test.want) {
					t.Fatalf("got %v, want %v", err, test.want)
				}
				if changes := before.Diff(s.Snapshot()); test.want != nil && len(changes) > 0 {
					t.Errorf("refused, and yet %v", changes)
				}
				if _, err := s.Register(start, []byte("b"), element, ""); err != nil {
					t.Errorf("refused in another pool: %v", err)
				}
			})
		}
	}
}

func TestMismatchTellsThePool(t *testing.T) {
	s := New(Options{})
	first := pe(1, with(wire.Policy{Type: wire.Priority, Priority: 7}))
	mustRegister(t, s, "a", first, "")
	mustRegister(t, s, "a", pe(2, with(wire.Policy{Type: wire.Priority, Priority: 8}), port(1)), "")
	s.Deregister([]byte("a"), 1) // what the first determined stays

	var policy *PolicyMismatchError
	_, err := s.Register(start, []byte("a"), pe(3), "")
	if !errors.As(err, &policy) || policy.Pool.Type != wire.Priority || policy.Pool.Priority != 7 || policy.Got != wire.RoundRobin {
		t.Errorf("got %#v", err)
	}
	if err.Error() != "inconsistent pool policy: RR, the pool's is PRIO" {
		t.Errorf("got %q", err)
	}
	var transport *TransportMismatchError
	_, err = s.Register(start, []byte("a"), pe(3, with(first.Policy), func(e *wire.PoolElement) { e.User.Kind = wire.TransportUDP }), "")
	if !errors.As(err, &transport) || !sameTransport(&transport.Pool, &first.User) || transport.Got != wire.TransportUDP {
		t.Errorf("got %#v", err)
	}
	if err.Error() != "inconsistent transport type: udp, the pool's is sctp" {
		t.Errorf("got %q", err)
	}
	s.Deregister([]byte("a"), 2) // and ends with the pool
	mustRegister(t, s, "a", pe(3), "")

	mustRegister(t, s, "b", pe(1, with(wire.Policy{Type: 0x80000001, Data: []byte("data")})), "")
	_, err = s.Register(start, []byte("b"), pe(2), "")
	if !errors.As(err, &policy) || policy.Pool.Type != 0x80000001 || policy.Pool.Data != nil {
		t.Errorf("got %#v", err)
	}
}

func TestInvalidElementsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		handle string
		pe     *wire.PoolElement
	}{
		"no pool handle":    {"", pe(1)},
		"life below -1":     {"a", pe(1, life(-2))},
		"no user transport": {"a", pe(1, func(e *wire.PoolElement) { e.User = wire.Transport{} })},
		"reserved policy":   {"a", pe(1, with(wire.Policy{Type: 0x100}))},
		"fits no message":   {string(make([]byte, 65_500)), pe(1)},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			if _, err := s.Register(start, []byte(test.handle), test.pe, ""); !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v", err)
			}
			if s.Len()+s.Pools() != 0 {
				t.Error("something was registered")
			}
		})
	}
}

func TestLimits(t *testing.T) {
	type registration struct {
		handle, owner string
		id            wire.PEID
		full          bool
	}
	for name, test := range map[string]struct {
		options Options
		steps   []registration
	}{
		"pools": {Options{MaxPools: 2}, []registration{
			{"a", "", 1, false}, {"b", "", 1, false}, {"c", "", 1, true}, {"a", "", 2, false},
		}},
		"elements": {Options{MaxElements: 2}, []registration{
			{"a", "", 1, false}, {"b", "", 1, false}, {"a", "", 2, true}, {"a", "", 1, false},
		}},
		"elements of a pool": {Options{MaxPerPool: 2}, []registration{
			{"a", "", 1, false}, {"a", "", 2, false}, {"a", "", 3, true}, {"b", "", 3, false}, {"a", "", 2, false},
		}},
		"elements of an owner": {Options{MaxPerOwner: 2}, []registration{
			{"a", "alice", 1, false},
			{"b", "alice", 1, false},
			{"c", "alice", 1, true},
			{"a", "alice", 1, false},
			{"c", "bob", 1, false},
			{"c", "alice", 1, true},
			{"c", "", 1, false},
			{"d", "", 1, false},
			{"e", "", 1, false},
			{"f", "", 1, false},
			{"a", "bob", 1, false},
			{"c", "alice", 1, false}, // one changed hands, there is room
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(test.options)
			for i, r := range test.steps {
				before := s.Snapshot()
				_, err := s.Register(start, []byte(r.handle), pe(r.id), r.owner)
				if errors.Is(err, ErrFull) != r.full || !r.full && err != nil {
					t.Fatalf("step %d: got %v", i, err)
				}
				if r.full && len(before.Diff(s.Snapshot())) > 0 {
					t.Fatalf("step %d: refused, and yet something changed", i)
				}
			}
		})
	}
}

func TestDeregistrationMakesRoom(t *testing.T) {
	s := New(Options{MaxPools: 1, MaxElements: 1, MaxPerPool: 1, MaxPerOwner: 1})
	for _, handle := range []string{"a", "b", "a"} {
		mustRegister(t, s, handle, pe(1), "alice")
		s.Deregister([]byte(handle), 1)
	}
	mustRegister(t, s, "c", pe(1), "alice")
	if gone := s.Expire(start.Add(time.Hour)); len(gone) != 1 {
		t.Fatalf("expired: %v", gone)
	}
	mustRegister(t, s, "d", pe(1), "alice")
}

func TestOwnerIsWhoRegisteredLast(t *testing.T) {
	s := New(Options{})
	for i, step := range []struct{ registers, owner string }{
		{"", ""}, {"alice", "alice"}, {"", "alice"}, {"bob", "bob"},
	} {
		mustRegister(t, s, "a", pe(1), step.registers)
		if e, _ := s.Lookup([]byte("a"), 1); e.Owner != step.owner {
			t.Errorf("step %d: owner is %q, want %q", i, e.Owner, step.owner)
		}
	}
	s.Deregister([]byte("a"), 1)
	mustRegister(t, s, "a", pe(1), "")
	if e, _ := s.Lookup([]byte("a"), 1); e.Owner != "" {
		t.Errorf("a new element has the owner %q", e.Owner)
	}
}

func TestAbsentASAPTransportIsForgotten(t *testing.T) {
	s := New(Options{})
	e := pe(1)
	e.ASAP = e.User
	mustRegister(t, s, "a", e, "")
	if got, _ := s.Lookup([]byte("a"), 1); got.PE.ASAP.Port != 0 || len(got.PE.ASAP.Addrs) > 0 {
		t.Errorf("got %+v", got.PE.ASAP)
	}
}

// TestNothingIsAliased changes all that was given to a Space, and checks that
// neither the Space nor what it gave out before changes.
func TestNothingIsAliased(t *testing.T) {
	s, handle := New(Options{}), []byte("pool")
	given := &wire.PoolElement{
		ID: 1, Home: own, Life: 30,
		User: wire.Transport{
			Kind: wire.TransportOpaque, Opaque: []byte("opaque"),
			Addrs: append(make([]netip.Addr, 0, 9), netip.IPv6Loopback()), // with room to append
		},
		Policy: wire.Policy{Type: 0x80000001, Data: []byte("data")},
		ASAP:   wire.Transport{Kind: wire.TransportSCTP, Addrs: []netip.Addr{netip.IPv6Loopback()}}, HasASAP: true,
	}
	scribble := func() {
		given.User.Opaque[0]++
		given.Policy.Data[0]++
		given.User.Addrs[0] = given.User.Addrs[0].Next()
		given.ASAP.Addrs[0] = given.ASAP.Addrs[0].Next()
	}
	if _, err := s.Register(start, handle, given, ""); err != nil {
		t.Fatal(err)
	}
	handle[0]++
	first := s.Snapshot()
	want := Snapshot{{Handle: "pool", PE: *given, Expires: start.Add(30 * time.Second)}}
	want[0].PE.User.Opaque, want[0].PE.Policy.Data = []byte("opaque"), []byte("data")
	want[0].PE.User.Addrs, want[0].PE.ASAP.Addrs = []netip.Addr{netip.IPv6Loopback()}, []netip.Addr{netip.IPv6Loopback()}
	scribble()
	for _, list := range [][]netip.Addr{first[0].PE.User.Addrs, first[0].PE.ASAP.Addrs} {
		if cap(list) > len(list) {
			t.Error("who appends to what was given out writes into the handlespace")
		}
	}
	for _, c := range want.Diff(s.Snapshot()) {
		t.Error(c)
	}
	mustRegister(t, s, "pool", given, "")
	for _, c := range want.Diff(first) {
		t.Errorf("after an update the old snapshot shows: %v", c)
	}
	if changes := want.Diff(s.Snapshot()); len(changes) != 1 || len(changes[0].Fields) != 3 {
		t.Errorf("the update shows %v", changes)
	}
}
