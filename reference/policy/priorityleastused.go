// SPDX-License-Identifier: Apache-2.0

package policy

import "github.com/rspthreat/rspthreat/reference/wire"

// newPriorityLeastUsed returns the policy of RFC 5356 section 5.3: lowest sum of
// load and degradation first, that is by the load after one more request;
// equals round robin. The sum may exceed 100 % and is not cut off there.
func newPriorityLeastUsed() *ranking {
	return newRanking(func(p *wire.Policy) uint64 { return uint64(p.Load) + uint64(p.Degradation) })
}
