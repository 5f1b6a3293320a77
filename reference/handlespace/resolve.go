// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"fmt"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Resolve appends at most limit elements of a pool to dst, selected by its
// policy in the order in which a pool user should try them, and returns them with
// the pool's policy (RFC 5352 section 3.3), which is that of its first element
// without the Data of an unknown one. limit <= 0 is all of them, as the
// RFC has it; how many fit into an answer is the caller's question, see
// [EncodedSize]. Resolve allocates only when dst is too small. Without such a
// pool it returns ErrUnknownPool.
func (s *Space) Resolve(handle []byte, limit int, dst []wire.PoolElement) ([]wire.PoolElement, wire.Policy, error) {
	p := s.pools[string(handle)]
	if p == nil {
		return dst, wire.Policy{}, fmt.Errorf("%w: %q", ErrUnknownPool, string(handle))
	}
	s.refs = p.selector.Select(limit, s.refs[:0])
	for _, r := range s.refs {
		dst = append(dst, p.slots[r].pe)
	}
	return dst, p.policy, nil
}
