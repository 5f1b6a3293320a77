// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Provable tells whether a selection under the policy can be proven: those that are random
// and have nothing that only the pool user knows (draft-ietf-rserpool-threats-15 section
// 2.17). Under the others a user has a state or follows loads, and its choice is its own.
func Provable(t wire.PolicyType) bool { return t == wire.Random || t == wire.WeightedRandom }

// Draws is the order in which a pool user that proves its selections tries the elements of a
// list: drawn one after the other, without putting back, each by a hash over the public nonce.
//
// Draw number a takes the first 16 octets of
//
//	SHA-256(nonce, lot, counter in 32 bits, a in 32 bits)
//
// as an integer, big endian, modulo the sum of the weights of the elements that are left. It
// is the element in whose part of that sum the rest lies, in the order of the list. Under
// random every weight is 1; so it is under weighted random when no element that is left has
// a weight.
type Draws struct {
	prefix  [wire.SelectionNonceLength + wire.SelectionLotLength + 8]byte
	left    []int    // indices in the list
	weights []uint64 // of left
	total   uint64
	attempt uint32
}

// NewDraws begins to draw from a list for the selection counter of a ticket. The policy is the
// pool's; the values are each element's own.
func NewDraws(ticket *wire.SelectionTicket, counter uint32, t wire.PolicyType, list []wire.SelectionEntry) *Draws {
	d := &Draws{left: make([]int, len(list)), weights: make([]uint64, len(list))}
	n := copy(d.prefix[:], ticket.Nonce[:])
	n += copy(d.prefix[n:], ticket.Lot[:])
	binary.BigEndian.PutUint32(d.prefix[n:], counter)
	for i := range list {
		d.left[i], d.weights[i] = i, 1
		if t == wire.WeightedRandom {
			d.weights[i] = uint64(list[i].Policy.Weight)
		}
		d.total += d.weights[i]
	}
	return d
}

// Attempt returns how many elements have been drawn.
func (d *Draws) Attempt() uint32 { return d.attempt }

// Next draws an element and returns its index in the list; false when all are drawn.
func (d *Draws) Next() (int, bool) {
	if len(d.left) == 0 {
		return 0, false
	}
	if d.total == 0 {
		for i := range d.weights {
			d.weights[i] = 1
		}
		d.total = uint64(len(d.weights))
	}
	binary.BigEndian.PutUint32(d.prefix[len(d.prefix)-4:], d.attempt)
	d.attempt++
	sum := sha256.Sum256(d.prefix[:])
	high, low := binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
	rest := bits.Rem64(high%d.total, low, d.total)
	at := 0
	for rest >= d.weights[at] {
		rest -= d.weights[at]
		at++
	}
	index := d.left[at]
	d.total -= d.weights[at]
	d.left = append(d.left[:at], d.left[at+1:]...)
	d.weights = append(d.weights[:at], d.weights[at+1:]...)
	return index, true
}
