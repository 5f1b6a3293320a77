// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rspthreat/rspthreat/reference/wire"

// newLeastUsed returns the policy of RFC 5356 section 5.1: lowest load first,
// equals round robin.
func newLeastUsed() *ranking {
	return newRanking(func(p *wire.Policy) uint64 { return uint64(p.Load) })
}
