// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Snapshot is a handlespace at one time, sorted by pool handle and identifier.
type Snapshot []Element

// Snapshot returns what is registered now.
func (s *Space) Snapshot() Snapshot { return SnapshotOf(s.All()) }

// SnapshotOf returns a snapshot of elements known otherwise, such as from a
// handle table download. They need not be sorted; of two with the same pool
// handle and identifier the later counts.
func SnapshotOf(elements iter.Seq[Element]) Snapshot {
	list := Snapshot(slices.Collect(elements))
	slices.SortStableFunc(list, compareIDs)
	last := 0
	for i := range list {
		if i > 0 && compareIDs(list[last], list[i]) != 0 {
			last++
		}
		list[last] = list[i]
	}
	return list[:min(last+1, len(list))]
}

func compareIDs(a, b Element) int {
	return cmp.Or(strings.Compare(a.Handle, b.Handle), cmp.Compare(a.PE.ID, b.PE.ID))
}

// Change is a difference between two snapshots in one element.
type Change struct {
	// Before and After are the element in both snapshots, nil where it is missing.
	Before, After *Element
	// Fields names what differs when it is in both.
	Fields []Field
}

// Field names a property of an element.
type Field string

// The fields that are compared.
const (
	FieldHome    Field = "home server"
	FieldLife    Field = "registration life"
	FieldUser    Field = "user transport"
	FieldPolicy  Field = "policy"
	FieldASAP    Field = "ASAP transport"
	FieldSigned  Field = "signed policy"
	FieldOwner   Field = "owner"
	FieldExpires Field = "expiry"
)

// String returns a line such as "pool echo, element 0x00000001: policy, owner changed".
func (c Change) String() string {
	e, what := c.After, "added"
	switch {
	case c.After == nil:
		e, what = c.Before, "removed"
	case c.Before != nil:
		names := make([]string, len(c.Fields))
		for i, f := range c.Fields {
			names[i] = string(f)
		}
		what = strings.Join(names, ", ") + " changed"
	}
	return fmt.Sprintf("pool %v, element %v: %s", wire.PoolHandle(e.Handle), e.PE.ID, what)
}

// Diff returns what is different in after, sorted by pool handle and identifier.
// Differences only in the fields to ignore are none: an honest re-registration,
// for instance, changes FieldExpires.
func (before Snapshot) Diff(after Snapshot, ignore ...Field) []Change {
	var changes []Change
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = compareIDs(before[0], after[0])
		}
		var c Change
		if order <= 0 {
			c.Before, before = &before[0], before[1:]
		}
		if order >= 0 {
			c.After, after = &after[0], after[1:]
		}
		if order == 0 {
			c.Fields = different(c.Before, c.After, ignore)
		}
		if order != 0 || len(c.Fields) > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}

// different returns the fields in which two versions of an element differ.
func different(a, b *Element, ignore []Field) (fields []Field) {
	for _, f := range []struct {
		name Field
		same bool
	}{
		{FieldHome, a.PE.Home == b.PE.Home},
		{FieldLife, a.PE.Life == b.PE.Life},
		{FieldUser, sameTransport(&a.PE.User, &b.PE.User)},
		{FieldPolicy, samePolicy(&a.PE.Policy, &b.PE.Policy)},
		{FieldASAP, a.PE.HasASAP == b.PE.HasASAP && sameTransport(&a.PE.ASAP, &b.PE.ASAP)},
		{FieldSigned, slices.Equal(a.PE.SignedPolicy, b.PE.SignedPolicy)},
		{FieldOwner, a.Owner == b.Owner},
		{FieldExpires, a.Expires.Equal(b.Expires)},
	} {
		if !f.same && !slices.Contains(ignore, f.name) {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func sameTransport(a, b *wire.Transport) bool {
	return a.Kind == b.Kind && a.Port == b.Port && a.Use == b.Use && a.ServiceCode == b.ServiceCode &&
		slices.Equal(a.Addrs, b.Addrs) && slices.Equal(a.Opaque, b.Opaque)
}

func samePolicy(a, b *wire.Policy) bool {
	return a.Type == b.Type && a.Weight == b.Weight && a.Priority == b.Priority && a.Load == b.Load &&
		a.Degradation == b.Degradation && slices.Equal(a.Data, b.Data)
}
