// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Message returns a variant of message b, which it leaves as it is, of at most limit octets.
func Message(r *rand.Rand, b []byte, limit int) []byte {
	m := parse(b)
	for range 1 + r.IntN(3) {
		edit(r, m)
	}
	out := m.append(nil)
	if len(out) > limit || len(out) > wire.MaxMessageLength {
		return Bytes(r, b, limit)
	}
	return out
}

// edit changes one thing.
func edit(r *rand.Rand, m *node) {
	all := m.walk(nil)
	n := all[r.IntN(len(all))]
	switch r.IntN(10) {
	case 0:
		remove(r, n)
	case 1: // twice the same
		if len(n.parts) > 0 {
			p := n.parts[r.IntN(len(n.parts))]
			n.parts = slices.Insert(n.parts, r.IntN(len(n.parts)+1), p.clone())
		}
	case 2: // another order
		r.Shuffle(len(n.parts), func(i, j int) { n.parts[i], n.parts[j] = n.parts[j], n.parts[i] })
	case 3, 4:
		n.parts = slices.Insert(n.parts, r.IntN(len(n.parts)+1), fresh(r, anyType(r)))
	case 5: // what belongs somewhere else
		n.parts = slices.Insert(n.parts, r.IntN(len(n.parts)+1), all[r.IntN(len(all))].clone())
	case 6:
		retype(r, n, n == m)
	case 7:
		resize(r, n)
	case 8:
		n.skew = []int{-4, -1, 1, 4, 0x100, -int(n.length())}[r.IntN(6)]
	default:
		revalue(r, n)
	}
}

func remove(r *rand.Rand, n *node) {
	switch {
	case len(n.parts) > 0:
		i := r.IntN(len(n.parts))
		n.parts = slices.Delete(slices.Clone(n.parts), i, i+1)
	case len(n.tail) > 0:
		n.tail = nil
	default:
		n.fixed = n.fixed[:len(n.fixed)/8*4]
	}
}

// retype makes the node another message or parameter, known or with any action bits.
func retype(r *rand.Rand, n *node, message bool) {
	switch {
	case message && r.IntN(2) == 0:
		n.second ^= 1 << r.IntN(8)
	case message:
		n.first = byte(r.IntN(int(wire.TypeASAPError)+2)) | byte(r.IntN(8)/7*r.IntN(4))<<6
	default:
		n.setType(anyType(r))
	}
}

func resize(r *rand.Rand, n *node) {
	size := []int{-4, -1, 1, 2, 3, 4, 16}[r.IntN(7)]
	if size < 0 {
		n.fixed = n.fixed[:max(len(n.fixed)+size, 0)]
		return
	}
	n.fixed = append(slices.Clone(n.fixed), make([]byte, size)...)
}

func revalue(r *rand.Rand, n *node) {
	if len(n.fixed) == 0 {
		resize(r, n)
		return
	}
	n.fixed = slices.Clone(n.fixed)
	word := make([]byte, headerLength)
	binary.BigEndian.PutUint32(word, anyWord(r))
	copy(n.fixed[r.IntN(len(n.fixed))&^3:], word)
}

func (n *node) clone() *node {
	c := *n
	c.parts = slices.Clone(n.parts)
	for i := range c.parts {
		c.parts[i] = n.parts[i].clone()
	}
	return &c
}
