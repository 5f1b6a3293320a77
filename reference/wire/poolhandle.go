// SPDX-License-Identifier: Apache-2.0

package wire

import "strconv"

// PoolHandle names a pool: any bytes, at least one (RFC 5354 section 3.9).
type PoolHandle []byte

// String returns the handle with everything unprintable escaped as in a Go
// string, so that a hostile handle cannot disturb a log line or a terminal.
func (h PoolHandle) String() string {
	q := strconv.QuoteToASCII(string(h))
	return q[1 : len(q)-1]
}
