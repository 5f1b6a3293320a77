// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func peID(e wire.PoolElement) wire.PEID { return e.ID }

func resolve(t *testing.T, s *Space, handle string, limit int) []wire.PEID {
	t.Helper()
	elements, _, err := s.Resolve([]byte(handle), limit, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ids(elements, peID)
}

func TestResolveSelectsByThePolicyOfThePool(t *testing.T) {
	s := New(Options{})
	for id := range wire.PEID(4) {
		mustRegister(t, s, "rr", pe(id), "")
		mustRegister(t, s, "lu", pe(id, with(wire.Policy{Type: wire.LeastUsed, Load: uint32(9 - id)})), "")
	}
	expectIDs(t, "rr", resolve(t, s, "rr", 3), 0, 1, 2)
	expectIDs(t, "rr", resolve(t, s, "rr", 3), 1, 2, 3)
	expectIDs(t, "rr, all", resolve(t, s, "rr", 0), 2, 3, 0, 1)
	expectIDs(t, "lu", resolve(t, s, "lu", 2), 3, 2)
	s.Deregister([]byte("lu"), 3)
	mustRegister(t, s, "lu", pe(0, with(wire.Policy{Type: wire.LeastUsed})), "")
	mustRegister(t, s, "lu", pe(7, with(wire.Policy{Type: wire.LeastUsed, Load: 1})), "") // takes 3's slot
	expectIDs(t, "lu, all", resolve(t, s, "lu", -1), 0, 7, 2, 1)
}

func TestResolveReturnsElementsAndPolicy(t *testing.T) {
	s := New(Options{})
	first := pe(1, with(wire.Policy{Type: wire.WeightedRandom, Weight: 3}))
	mustRegister(t, s, "a", first, "")
	room := make([]wire.PoolElement, 1, 4)
	got, policy, err := s.Resolve([]byte("a"), 3, room)
	if err != nil || len(got) != 2 || &got[0] != &room[0] {
		t.Fatalf("got %v, %v", got, err)
	}
	if !samePolicy(&policy, &first.Policy) {
		t.Errorf("policy %+v", policy)
	}
	want := Snapshot{{PE: *first}}
	for _, c := range want.Diff(Snapshot{{PE: got[1]}}) {
		t.Error(c)
	}
}

func TestResolveOfUnknownPool(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "a", pe(1), "")
	s.Deregister([]byte("a"), 1)
	if got, _, err := s.Resolve([]byte("a"), 0, nil); !errors.Is(err, ErrUnknownPool) || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestResolveDoesNotAllocate(t *testing.T) {
	s, dst := New(Options{}), make([]wire.PoolElement, 0, 3)
	for id := range wire.PEID(10) {
		mustRegister(t, s, "a", pe(id), "")
	}
	if n := testing.AllocsPerRun(100, func() { dst, _, _ = s.Resolve([]byte("a"), 3, dst[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
