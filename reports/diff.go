// SPDX-License-Identifier: Apache-2.0

package reports

import "slices"

// difference is what became of a handlespace.
type difference struct {
	Removed, Added, Kept []string
}

// Same tells whether nothing changed.
func (d difference) Same() bool { return len(d.Removed) == 0 && len(d.Added) == 0 }

// diff compares two lists of lines as sorted multisets; an element that changed is one line removed and one added.
func diff(before, after []string) difference {
	a, b := slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))
	var d difference
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			d.Removed, a = append(d.Removed, a[0]), a[1:]
		case a[0] > b[0]:
			d.Added, b = append(d.Added, b[0]), b[1:]
		default:
			d.Kept, a, b = append(d.Kept, a[0]), a[1:], b[1:]
		}
	}
	d.Removed = append(d.Removed, a...)
	d.Added = append(d.Added, b...)
	return d
}
