// SPDX-License-Identifier: Apache-2.0

package actor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// TestFindDoesNotConfuseElements: one handle or identifier may begin, or end, like another.
func TestFindDoesNotConfuseElements(t *testing.T) {
	ctx, w := world(t, sut.Clear)
	v, err := w.OpenView(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close(ctx)
	names := []string{"Echo", "EchoPool", "My pool Echo", `My pool "Echo`, "Echo element 0x00000001", `Echo" element 0x00000001 at`, "Echo\x00"}
	e := element(ctx, t, w, 1)
	for n, name := range names {
		e.Pool, e.PE.ID = name, wire.PEID(1)
		if n == 0 {
			e.PE.ID = 0x11 // so that element 1 is in every pool but this one
		}
		if err := e.Register(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s, err := v.Snapshot(ctx, names...)
	if err != nil || len(s) != 2*len(names) {
		t.Fatalf("%q, %v", s, err)
	}
	for n, name := range names {
		id, other := wire.PEID(1), wire.PEID(0x11)
		if n == 0 {
			id, other = other, id
		}
		if got := s.Find(name, id); len(got) != 2 {
			t.Errorf("pool %q: %q", name, got)
		}
		if s.Contains(name, other) {
			t.Errorf("pool %q has element %s: %q", name, other, s.Find(name, other))
		}
	}
	if s.Contains("cho", 1) || s.Contains("Pool", 1) || s.Contains("", 1) {
		t.Error("a part of a handle is taken for a pool")
	}
}

// TestViewThatIsPartialSaysWhy: a pass through one observer is worth less.
func TestViewThatIsPartialSaysWhy(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*sut.Instance)
		want   string
	}{
		{"no key", func(i *sut.Instance) { i.Credentials.Peer = nil }, "credential"},
		{"no door", func(i *sut.Instance) {
			i.Doors = slices.DeleteFunc(slices.Clone(i.Doors), func(d sut.Door) bool { return d.Protocol == wire.ENRP })
		}, "ENRP door"},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx, w := world(t, sut.Secured)
			row.change(w.Instance)
			v, err := w.OpenView(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close(ctx)
			if v.Peer() != nil || !strings.Contains(v.Partial, row.want) {
				t.Errorf("partial: %q", v.Partial)
			}
			e := element(ctx, t, w, 1)
			if err := e.Register(ctx); err != nil {
				t.Fatal(err)
			}
			if s, err := v.Snapshot(ctx, w.Instance.Pool); err != nil || len(s) != 1 || !s.Contains(w.Instance.Pool, 1) {
				t.Errorf("%q, %v", s, err)
			}
		})
	}
	_, w := world(t, sut.Secured)
	w.Instance.Doors = nil
	if _, err := w.Door(wire.ASAP); !errors.Is(err, actor.ErrNoDoor) {
		t.Errorf("without doors: %v", err)
	}
}
