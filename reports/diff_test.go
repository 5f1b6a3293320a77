// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffTellsWhatBecameOfTheHandlespace(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after []string
		want          difference
	}{
		{"nothing", nil, nil, difference{}},
		{"no change, other order", []string{"b", "a"}, []string{"a", "b"}, difference{Kept: []string{"a", "b"}}},
		{"added and removed", []string{"a", "c"}, []string{"a", "b"}, difference{Removed: []string{"c"}, Added: []string{"b"}, Kept: []string{"a"}}},
		{"one of two alike went", []string{"a", "a"}, []string{"a"}, difference{Removed: []string{"a"}, Kept: []string{"a"}}},
		{"emptied", []string{"a"}, nil, difference{Removed: []string{"a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, diff(c.before, c.after)); d != "" {
				t.Error(d)
			}
		})
	}
}
