// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestRoundRobinAdvancesByOneElement(t *testing.T) {
	s := filled(wire.RoundRobin, nil, nil, nil, nil)
	expect(t, s, 3, "abc", "bcd", "cda", "dab", "abc")
	expect(t, s, 0, "bcda", "cdab")
	expect(t, s, 9, "dabc")
}

func TestRoundRobinGoesOnWhenElementsComeAndGo(t *testing.T) {
	s := filled(wire.RoundRobin, nil, nil, nil)
	expect(t, s, 1, "a")
	s.Insert(3, nil) // d goes to the end of the round: b c a d
	expect(t, s, 0, "bcad")
	s.Update(1, nil) // b keeps its place
	expect(t, s, 1, "c")
	s.Remove(0) // the head goes
	expect(t, s, 0, "dbc")
	s.Remove(3)
	s.Remove(1)
	s.Remove(2)
	expect(t, s, 3, "")
	s.Insert(2, nil)
	s.Insert(0, nil)
	expect(t, s, 1, "c", "a", "c")
}

// TestRoundRobinIsACircularList compares with RFC 5356 section 4.1.2 put literally:
// a list of which the head is returned first and then moved to the end.
func TestRoundRobinIsACircularList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(wire.RoundRobin, nil)
		var list []Ref
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				r := anyRef(t)
				s.Update(r, nil)
				if !slices.Contains(list, r) {
					list = append(list, r)
				}
			},
			"remove": func(t *rapid.T) {
				r := anyRef(t)
				s.Remove(r)
				list = slices.DeleteFunc(list, func(x Ref) bool { return x == r })
			},
			"select": func(t *rapid.T) {
				n := rapid.IntRange(1, 12).Draw(t, "n")
				got, want := s.Select(n, nil), list[:min(n, len(list))]
				if !slices.Equal(got, want) {
					t.Fatalf("got %v, want %v", got, want)
				}
				if len(list) > 0 {
					list = append(slices.Clone(list[1:]), list[0])
				}
			},
		})
	})
}
