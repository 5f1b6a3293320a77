// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"sync"
	"time"
)

// limiter spreads cases over time.
type limiter struct {
	every time.Duration // between two cases; 0: no limit
	mu    sync.Mutex
	next  time.Time
}

// newLimiter returns a limiter for one shard of a campaign with that rate a second.
func newLimiter(rate float64, shards int) *limiter {
	if rate <= 0 {
		return &limiter{}
	}
	return &limiter{every: time.Duration(float64(time.Second) * float64(shards) / rate)}
}

// wait waits until n more cases may be run.
func (l *limiter) wait(ctx context.Context, n int) {
	if l.every == 0 {
		return
	}
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	at := l.next
	l.next = l.next.Add(time.Duration(n) * l.every)
	l.mu.Unlock()
	if d := time.Until(at); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}
