// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"bytes"
	"slices"
)

// Reductions returns simpler variants of a message, the boldest first: without a parameter, without
// what is in it, with its octets zero, with the lengths that its contents have. All differ from b.
func Reductions(b []byte) (list [][]byte) {
	add := func(m *node) {
		out := m.append(nil)
		if !bytes.Equal(out, b) && len(out) <= len(b) && !slices.ContainsFunc(list, func(have []byte) bool { return bytes.Equal(have, out) }) {
			list = append(list, out)
		}
	}
	count := len(parse(b).walk(nil))
	edit := func(at int, change func(n *node) bool) {
		m := parse(b)
		if change(m.walk(nil)[at]) {
			add(m)
		}
	}
	for at := range count {
		for part := range parse(b).walk(nil)[at].parts {
			edit(at, func(n *node) bool { n.parts = slices.Delete(n.parts, part, part+1); return true })
		}
		edit(at, func(n *node) bool { had := len(n.tail) > 0; n.tail = nil; return had })
	}
	for at := range count {
		edit(at, func(n *node) bool { had := len(n.fixed) > 0; n.fixed = nil; return had })
		edit(at, func(n *node) bool {
			had := len(n.fixed) > 4
			n.fixed = n.fixed[:len(n.fixed)/2&^3]
			return had
		})
		edit(at, func(n *node) bool {
			had := len(n.fixed) > 4
			n.fixed = n.fixed[:max(len(n.fixed)-1, 0)&^3]
			return had
		})
	}
	for at := range count {
		size := len(parse(b).walk(nil)[at].fixed)
		for word := 0; word < size && word < maxWords*4; word += 4 {
			edit(at, func(n *node) bool {
				n.fixed = slices.Clone(n.fixed)
				piece := n.fixed[word:min(word+4, size)]
				had := len(bytes.Trim(piece, "\x00")) > 0
				clear(piece)
				return had
			})
		}
	}
	if len(b) >= 2*headerLength { // what cannot be told by its structure
		list = append(list, b[:len(b)/2&^3], b[:(len(b)-headerLength)&^3])
	}
	return list
}

// maxWords bounds the words of one parameter that are tried one by one.
const maxWords = 16
