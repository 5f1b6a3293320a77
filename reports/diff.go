// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"slices"
	"strings"
)

// difference is what became of a handlespace.
type difference struct {
	Removed, Added, Kept []string
	Changed              []change
}

// change is an element that is there before and after, and differs.
type change struct{ Before, After []word }

// word is a word of a line, and whether it differs on the other side.
type word struct {
	Text string
	New  bool
}

// Same tells whether nothing changed.
func (d difference) Same() bool { return len(d.Removed)+len(d.Added)+len(d.Changed) == 0 }

// diff compares two lists of lines as sorted multisets. Lines that begin with the same pool and element, and are else
// different, are one element that changed.
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
	d.pair()
	return d
}

// pair finds the elements that changed.
func (d *difference) pair() {
	added := make(map[string]int, len(d.Added)) // where the new line of an element is
	for i, line := range d.Added {
		if key := elementKey(line); key != "" {
			added[key] = i
		}
	}
	taken := make([]bool, len(d.Added))
	var removed, left []string
	for _, line := range d.Removed {
		i, ok := added[elementKey(line)]
		if !ok || taken[i] {
			removed = append(removed, line)
			continue
		}
		taken[i] = true
		d.Changed = append(d.Changed, compareWords(line, d.Added[i]))
	}
	for i, line := range d.Added {
		if !taken[i] {
			left = append(left, line)
		}
	}
	d.Removed, d.Added = removed, left
}

// elementKey is what names the element of a line: `pool "EchoPool" element 0x00000001`, or the first two words of a line
// that has more. It is empty when nothing does.
func elementKey(line string) string {
	const marker = " element "
	if i := strings.Index(line, marker); i >= 0 {
		id, _, _ := strings.Cut(line[i+len(marker):], " ")
		return line[:i+len(marker)] + id
	}
	words := strings.Fields(line)
	if len(words) < 3 {
		return ""
	}
	return words[0] + " " + words[1]
}

func compareWords(before, after string) change {
	a, b := strings.Fields(before), strings.Fields(after)
	mark := func(words, others []string) (out []word) {
		for i, w := range words {
			out = append(out, word{w, i >= len(others) || others[i] != w})
		}
		return out
	}
	return change{mark(a, b), mark(b, a)}
}
