// SPDX-License-Identifier: Apache-2.0

package poolelement

import "time"

// Bucket is the state of a KeepAliveRate for one pool on one association. The zero value is full.
type Bucket struct {
	used float64
	seen time.Time
}

// KeepAliveRate bounds how often an element answers keep-alives (draft section 2.14): a
// token bucket for each pool on each association, so that the flood of one registrar does
// not silence the element towards another. A keep-alive that finds it empty is not lost: one
// acknowledgement answers all that come until the next token, so that even a registrar
// that sends too many learns in time that the element lives.
type KeepAliveRate struct {
	PerSecond float64
	Burst     float64
}

// DefaultKeepAliveRate allows what honest registrars send: one each some seconds, and one at
// once for each report of unreachability (RFC 5352 section 3.5).
func DefaultKeepAliveRate() KeepAliveRate { return KeepAliveRate{PerSecond: 2, Burst: 10} }

// Wait takes a token and returns how long until it is there; 0 if it was there already.
func (r KeepAliveRate) Wait(b *Bucket, now time.Time) time.Duration {
	if !b.seen.IsZero() {
		b.used = max(0, b.used-r.PerSecond*now.Sub(b.seen).Seconds())
	}
	b.seen = now
	b.used++
	if b.used <= r.Burst {
		return 0
	}
	return time.Duration((b.used - r.Burst) / r.PerSecond * float64(time.Second))
}
