// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// leastUsedDegradation is the policy of RFC 5356 section 5.2: lowest
// load + counter * degradation first. The counter of every element returned is
// incremented; registration and re-registration reset it.
type leastUsedDegradation struct {
	ranking
	values []degradable // by Ref
}

// degradable is what an element registered, and how often it was returned since.
type degradable struct{ load, degradation, counter uint32 }

func newLeastUsedDegradation() *leastUsedDegradation {
	s := &leastUsedDegradation{}
	s.selected = s.degrade
	return s
}

func (s *leastUsedDegradation) Insert(r Ref, p *wire.Policy) { s.Update(r, p) }

func (s *leastUsedDegradation) Update(r Ref, p *wire.Policy) {
	s.values = grow(s.values, r, degradable{})
	s.values[r] = degradable{load: p.Load, degradation: p.Degradation}
	s.put(r, uint64(p.Load))
}

// degrade counts one more selection and returns the value by which the element
// ranks from now on. The sum fits: (2^32-1)^2 + 2^32-1 < 2^64.
func (s *leastUsedDegradation) degrade(r Ref, _ uint64) uint64 {
	v := &s.values[r]
	if v.counter < math.MaxUint32 {
		v.counter++
	}
	return uint64(v.load) + uint64(v.counter)*uint64(v.degradation)
}
