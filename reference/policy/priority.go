// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// newPriority returns the policy of RFC 5356 section 4.5: highest priority
// first, equals round robin (the RFC allows any order).
func newPriority() *ranking {
	return newRanking(func(p *wire.Policy) uint64 { return math.MaxUint32 - uint64(p.Priority) })
}
