// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func expectNext(t *testing.T, s *Space, want time.Duration) {
	t.Helper()
	if next, ok := s.NextExpiry(); !ok || next.Sub(start) != want {
		t.Errorf("next expiry is %v after the start (%v), want %v", next.Sub(start), ok, want)
	}
}

func TestLivesEndInTheirOrder(t *testing.T) {
	s := New(Options{})
	if _, ok := s.NextExpiry(); ok || len(s.Expire(start)) > 0 {
		t.Error("nothing can expire in an empty handlespace")
	}
	for id, seconds := range map[wire.PEID]int32{1: 30, 2: 10, 3: wire.LifeInfinite, 4: 20, 5: 25, 6: 5} {
		mustRegister(t, s, "a", pe(id, life(seconds)), "")
	}
	expectNext(t, s, 5*time.Second)
	s.Deregister([]byte("a"), 6)
	expectNext(t, s, 10*time.Second)
	expectIDs(t, "before the first end", ids(s.Expire(start.Add(10*time.Second-1)), idOf))
	expectIDs(t, "at the first end", ids(s.Expire(start.Add(10*time.Second)), idOf), 2)
	expectNext(t, s, 20*time.Second)

	later := start.Add(15 * time.Second)
	for id, seconds := range map[wire.PEID]int32{4: 60, 5: wire.LifeInfinite, 3: 10} {
		if _, err := s.Register(later, []byte("a"), pe(id, life(seconds)), ""); err != nil {
			t.Fatal(err)
		}
	}
	expectNext(t, s, 25*time.Second)
	gone := s.Expire(start.Add(time.Hour))
	expectIDs(t, "in the end", ids(gone, idOf), 3, 1, 4)
	if !gone[2].Expires.Equal(later.Add(time.Minute)) || gone[2].Handle != "a" {
		t.Errorf("the last to go was %+v", gone[2])
	}
	if _, ok := s.NextExpiry(); ok || s.Len() != 1 {
		t.Errorf("%d elements left, want the infinite one", s.Len())
	}
}

func TestLifeZeroEndsAtOnce(t *testing.T) {
	s := New(Options{})
	mustRegister(t, s, "a", pe(1, life(0)), "")
	expectIDs(t, "at the same time", ids(s.Expire(start), idOf), 1)
	if s.Pools() != 0 {
		t.Error("the pool is left without element")
	}
}

func TestLongestLifeDoesNotOverflow(t *testing.T) {
	s := New(Options{})
	const longest = 1<<31 - 1
	mustRegister(t, s, "a", pe(1, life(longest)), "")
	expectNext(t, s, longest*time.Second)
	expectIDs(t, "after 60 years", ids(s.Expire(start.AddDate(60, 0, 0)), idOf))
}
