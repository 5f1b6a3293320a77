// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// flight is work that several callers wait for. It is cancelled when nobody does
// any more; from then on nobody may join it.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int                                 // guarded by User.mu
	answer  chan *wire.HandleResolutionResponse // a resolution: what was heard for it

	// Results of a resolution, valid after done.
	resolution *entry
	err        error
}

// over tells whether f has been given up. The caller holds User.mu.
func (f *flight) over() bool { return f == nil || f.waiters == 0 }

// fly starts work in a goroutine, for one waiter. The caller holds u.mu and must
// call leave.
func (u *User) fly(work func(ctx context.Context, f *flight)) *flight {
	ctx, cancel := context.WithCancel(u.ctx)
	f := &flight{done: make(chan struct{}), cancel: cancel, waiters: 1, answer: make(chan *wire.HandleResolutionResponse, 1)}
	u.wg.Go(func() {
		defer cancel()
		defer close(f.done)
		work(ctx, f)
	})
	return f
}

// leave says that one who waited for f no longer does.
func (u *User) leave(f *flight) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
	}
}
