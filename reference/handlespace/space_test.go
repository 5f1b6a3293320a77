// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

const (
	own  wire.ServerID = 0x0a0b0c0d
	peer wire.ServerID = 0x55667788
)

// start is when the tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pe returns a round robin pool element of the own server that lives 30 s,
// after changes.
func pe(id wire.PEID, changes ...func(*wire.PoolElement)) *wire.PoolElement {
	e := &wire.PoolElement{
		ID: id, Home: own, Life: 30,
		User:   wire.Transport{Kind: wire.TransportSCTP, Port: 4711, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		Policy: wire.Policy{Type: wire.RoundRobin},
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

func homed(server wire.ServerID) func(*wire.PoolElement) {
	return func(e *wire.PoolElement) { e.Home = server }
}

func life(seconds int32) func(*wire.PoolElement) {
	return func(e *wire.PoolElement) { e.Life = seconds }
}

func port(p uint16) func(*wire.PoolElement) {
	return func(e *wire.PoolElement) { e.User.Port = p }
}

func with(p wire.Policy) func(*wire.PoolElement) {
	return func(e *wire.PoolElement) { e.Policy = p }
}

// mustRegister registers at the start.
func mustRegister(t testing.TB, s *Space, handle string, e *wire.PoolElement, owner string) Outcome {
	t.Helper()
	outcome, err := s.Register(start, []byte(handle), e, owner)
	if err != nil {
		t.Fatalf("registering %v in %q: %v", e.ID, handle, err)
	}
	return outcome
}

// ids returns the identifiers of elements.
func ids[E any](elements []E, id func(E) wire.PEID) (list []wire.PEID) {
	for _, e := range elements {
		list = append(list, id(e))
	}
	return list
}

func expectIDs(t testing.TB, what string, got []wire.PEID, want ...wire.PEID) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func idOf(e Element) wire.PEID { return e.PE.ID }

func TestAllAndLookupSeeWhatIsRegistered(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "a", pe(2), "alice")
	mustRegister(t, s, "b", pe(1, homed(peer), life(wire.LifeInfinite)), "")
	mustRegister(t, s, "a", pe(1), "bob")
	if s.Pools() != 2 || s.Len() != 3 || s.Owned(own) != 2 || s.Owned(peer) != 1 || s.Owned(9) != 0 {
		t.Errorf("%d pools, %d elements, %d own, %d of the peer", s.Pools(), s.Len(), s.Owned(own), s.Owned(peer))
	}
	expectIDs(t, "all", ids(slices.Collect(s.All()), idOf), 2, 1, 1)

	e, ok := s.Lookup([]byte("a"), 1)
	if !ok || e.Handle != "a" || e.PE.ID != 1 || e.Owner != "bob" || !e.Expires.Equal(start.Add(30*time.Second)) {
		t.Errorf("got %+v, %v", e, ok)
	}
	e, ok = s.Lookup([]byte("b"), 1)
	if !ok || e.PE.Home != peer || e.Owner != "" || !e.Expires.IsZero() {
		t.Errorf("got %+v, %v", e, ok)
	}
	for _, missing := range []struct {
		handle string
		id     wire.PEID
	}{{"a", 3}, {"b", 2}, {"c", 1}, {"", 1}} {
		if e, ok := s.Lookup([]byte(missing.handle), missing.id); ok {
			t.Errorf("%v: got %+v", missing, e)
		}
	}
}

func TestAllToleratesChanges(t *testing.T) {
	s := New(Options{})
	for i := range wire.PEID(5) {
		mustRegister(t, s, "a", pe(i), "")
		mustRegister(t, s, "b", pe(i), "")
	}
	var seen []wire.PEID
	for e := range s.All() {
		seen = append(seen, e.PE.ID)
		s.Deregister([]byte(e.Handle), e.PE.ID)
	}
	expectIDs(t, "seen", seen, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4)
	if s.Len() != 0 || s.Pools() != 0 {
		t.Errorf("%d elements in %d pools left", s.Len(), s.Pools())
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s, handle := New(Options{}), []byte("a pool handle that is longer than 32 bytes")
	mustRegister(t, s, string(handle), pe(1), "alice")
	if n := testing.AllocsPerRun(100, func() { s.Lookup(handle, 1); s.Lookup(handle, 2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestEmptiedSpaceHoldsNothing looks inside for what comers and goers, each new
// pool, element, owner and home server, would make grow for ever.
func TestEmptiedSpaceHoldsNothing(t *testing.T) {
	s := New(Options{})
	for i := range 100 {
		handle, e := string(rune('a'+i)), pe(wire.PEID(i), homed(wire.ServerID(i)))
		mustRegister(t, s, handle, e, handle)
		e.ID++
		mustRegister(t, s, handle, e, "")
		s.Deregister([]byte(handle), e.ID-1)
		s.Expire(start.Add(time.Minute))
	}
	if n := len(s.pools) + len(s.elements) + len(s.homes) + len(s.owners) + len(s.timers.heap); n != 0 {
		t.Errorf("%d entries left", n)
	}
	if len(s.table) != 1 || s.table[0] != nil || len(s.timers.who) != 2 || s.timers.who[0] != nil || s.timers.who[1] != nil {
		t.Errorf("places are not reused: %v, %v", s.table, s.timers.who)
	}
}
