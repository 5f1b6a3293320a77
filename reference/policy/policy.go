// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Ref names an element of a pool. The caller hands the numbers out and should
// keep them dense and reuse free ones: memory grows with the largest.
type Ref uint32

// none is the Ref that no element has.
const none = ^Ref(0)

// Selector holds the elements of one pool and selects among them. Every method
// takes time logarithmic in the number of elements or better, Select for each
// element it returns; Insert amortises the growth of the arrays. A Selector
// is not safe for concurrent use.
type Selector interface {
	// Insert adds an element with the policy values it registered. The values
	// that the policy does not use are ignored. To insert an element that is
	// there is to update it.
	Insert(r Ref, p *wire.Policy)

	// Update takes the values of a re-registration. The element keeps its place
	// as far as its values allow, so that nobody gains by re-registering often.
	// To update an element that is not there is to insert it.
	Update(r Ref, p *wire.Policy)

	// Remove takes an element out. To remove one that is not there does nothing.
	Remove(r Ref)

	// Select appends at most n different elements to dst, in the order in which a
	// pool user should try them; all of them if n is not positive. It allocates
	// only when dst is too small. An empty pool selects nothing.
	Select(n int, dst []Ref) []Ref

	// Len returns the number of elements.
	Len() int
}

// New returns an empty selector for the policy type. The random policies, and
// the balance of weighted round robin's search tree, draw from random, which
// must not be nil and may be shared by selectors that are not used
// concurrently. Of an unknown type see the package comment.
func New(t wire.PolicyType, random rand.Source) Selector {
	switch t {
	case wire.WeightedRoundRobin:
		return newWeightedRoundRobin(random)
	case wire.Random:
		return newUniform(random)
	case wire.WeightedRandom:
		return newWeightedRandom(random)
	case wire.Priority:
		return newPriority()
	case wire.LeastUsed:
		return newLeastUsed()
	case wire.LeastUsedDegradation:
		return newLeastUsedDegradation()
	case wire.PriorityLeastUsed:
		return newPriorityLeastUsed()
	case wire.RandomizedLeastUsed:
		return newRandomizedLeastUsed(random)
	}
	return newRoundRobin()
}

// wanted is how many of have elements a Select(n) returns.
func wanted(n, have int) int {
	if n <= 0 {
		return have
	}
	return min(n, have)
}

// grow returns s with room for index r, new places filled with fill.
func grow[T any](s []T, r Ref, fill T) []T {
	for len(s) <= int(r) {
		s = append(s, fill)
	}
	return s
}
