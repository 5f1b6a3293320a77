// SPDX-License-Identifier: Apache-2.0

package mutate

import (
	"math/rand/v2"
	"slices"
)

// Bytes returns a variant of b, which it leaves as it is, of at most limit bytes.
func Bytes(r *rand.Rand, b []byte, limit int) []byte {
	b = slices.Clone(b)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(b) + 1)
		rest := len(b) - at
		switch r.IntN(6) {
		case 0:
			b = slices.Insert(b, at, byte(anyWord(r)))
		case 1: // a piece goes
			b = slices.Delete(b, at, at+r.IntN(min(rest, 16)+1))
		case 2: // a piece comes again, somewhere
			b = slices.Insert(b, r.IntN(len(b)+1), slices.Clone(b[at:at+r.IntN(min(rest, 64)+1)])...)
		case 3:
			if rest > 0 {
				b[at] ^= 1 << r.IntN(8)
			}
		case 4:
			if rest > 0 {
				b[at] = byte(r.Uint32())
			}
		default:
			if rest > 0 {
				b[at] = byte(anyWord(r))
			}
		}
	}
	return b[:min(len(b), limit)]
}
