// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"
	"math/rand/v2"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// newRandomizedLeastUsed returns the policy of RFC 5356 section 5.4: weighted
// random with what is left of each element's capacity as its weight.
func newRandomizedLeastUsed(random rand.Source) *weightedRandom {
	return newDraw(random, func(p *wire.Policy) uint32 { return math.MaxUint32 - p.Load })
}
