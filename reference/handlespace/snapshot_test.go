// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

func TestSnapshotIsSorted(t *testing.T) {
	one, other := New(Options{}), New(Options{})
	names := []elementName{{"b", 2}, {"a", 9}, {"b", 1}, {"ab", 1}}
	for i := range names {
		for s, n := range map[*Space]elementName{one: names[i], other: names[len(names)-1-i]} {
			mustRegister(t, s, n.handle, pe(n.id), "")
		}
	}
	var order []elementName
	for _, e := range one.Snapshot() {
		order = append(order, elementName{e.Handle, e.PE.ID})
	}
	if want := []elementName{{"a", 9}, {"ab", 1}, {"b", 1}, {"b", 2}}; !slices.Equal(order, want) {
		t.Errorf("got %v, want %v", order, want)
	}
	if changes := one.Snapshot().Diff(other.Snapshot()); len(changes) > 0 {
		t.Errorf("the same elements in another order differ: %v", changes)
	}
}

func TestSnapshotOfKeepsTheLaterOfTwo(t *testing.T) {
	list := []Element{{Handle: "a", PE: *pe(2)}}
	for p := range uint16(50) {
		list = append(list, Element{Handle: "a", PE: *pe(1, port(p))}, Element{Handle: "a", PE: *pe(3, port(p))})
	}
	got := SnapshotOf(slices.Values(list))
	expectIDs(t, "elements", ids(got, idOf), 1, 2, 3)
	if got[0].PE.User.Port != 49 || got[2].PE.User.Port != 49 {
		t.Errorf("kept %+v and %+v", got[0], got[2])
	}
	if got := SnapshotOf(slices.Values[[]Element](nil)); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestDiffNamesWhatChanged(t *testing.T) {
	for _, test := range []struct {
		field  Field
		change func(*Element)
	}{
		{FieldHome, func(e *Element) { e.PE.Home = peer }},
		{FieldLife, func(e *Element) { e.PE.Life++ }},
		{FieldUser, func(e *Element) { e.PE.User.Port++ }},
		{FieldUser, func(e *Element) { e.PE.User.Addrs = []netip.Addr{netip.IPv6Loopback()} }},
		{FieldUser, func(e *Element) { e.PE.User.Opaque = []byte{1} }},
		{FieldPolicy, func(e *Element) { e.PE.Policy.Load++ }},
		{FieldPolicy, func(e *Element) { e.PE.Policy.Data = []byte{1} }},
		{FieldASAP, func(e *Element) { e.PE.HasASAP = true }},
		{FieldASAP, func(e *Element) { e.PE.ASAP.Kind = wire.TransportSCTP }},
		{FieldOwner, func(e *Element) { e.Owner = "mallory" }},
		{FieldExpires, func(e *Element) { e.Expires = e.Expires.Add(time.Second) }},
	} {
		before := Snapshot{{Handle: "a", PE: *pe(1), Owner: "alice", Expires: start}}
		after := slices.Clone(before)
		test.change(&after[0])
		changes := before.Diff(after)
		if len(changes) != 1 || !slices.Equal(changes[0].Fields, []Field{test.field}) {
			t.Errorf("%s: got %v", test.field, changes)
		}
		if changes := before.Diff(after, test.field); len(changes) > 0 {
			t.Errorf("%s ignored: got %v", test.field, changes)
		}
	}
}

func TestDiffFindsAddedAndRemoved(t *testing.T) {
	snapshot := func(ids ...wire.PEID) (s Snapshot) {
		for _, id := range ids {
			s = append(s, Element{Handle: "a", PE: *pe(id, port(uint16(id>>8)))})
		}
		return s
	}
	got := fmt.Sprint(snapshot(1, 2, 3, 5).Diff(snapshot(2, 4, 5, 6)))
	want := "[pool a, element 0x00000001: removed pool a, element 0x00000003: removed " +
		"pool a, element 0x00000004: added pool a, element 0x00000006: added]"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	changed := snapshot(1)
	changed[0].PE.Home, changed[0].Owner = peer, "mallory"
	if got := fmt.Sprint(snapshot(1).Diff(changed)); got != "[pool a, element 0x00000001: home server, owner changed]" {
		t.Errorf("got %s", got)
	}
}
