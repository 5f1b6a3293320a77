// SPDX-License-Identifier: Apache-2.0

package policy

import "math/bits"

// cumulative is an array of numbers that finds the place of a value in their
// running sum (a Fenwick tree). The sum stays below 2^64: 32 bit weights of
// less than 2^32 elements.
type cumulative struct {
	tree  []uint64 // tree[i-1] sums the numbers (i-lowbit(i), i], counted from 1
	total uint64
}

// grow makes room for n numbers; new ones are 0.
func (c *cumulative) grow(n int) {
	for i := len(c.tree) + 1; i <= n; i++ {
		var sum uint64
		for j := i - 1; j > i-i&-i; j -= j & -j {
			sum += c.tree[j-1]
		}
		c.tree = append(c.tree, sum)
	}
}

// add adds delta to number i, counted from 0. A negative delta is its two's complement.
func (c *cumulative) add(i int, delta uint64) {
	c.total += delta
	for j := i + 1; j <= len(c.tree); j += j & -j {
		c.tree[j-1] += delta
	}
}

// find returns the first i where the sum of the numbers 0 to i exceeds v.
// v must be below the total.
func (c *cumulative) find(v uint64) int {
	at := 0
	for step := 1 << (bits.Len(uint(len(c.tree))) - 1); step > 0; step >>= 1 {
		if next := at + step; next <= len(c.tree) && c.tree[next-1] <= v {
			v -= c.tree[next-1]
			at = next
		}
	}
	return at
}
