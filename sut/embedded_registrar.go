// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
)

// embeddedRegistrar is a reference registrar that its administrator can take a key from and
// start again.
type embeddedRegistrar struct {
	keys   *registrar.Keys
	config func() registrar.Config // a fresh one, at the same doors

	mu      sync.Mutex
	running *registrar.Registrar
}

// revoke withdraws a key, as an administrator does by taking it out of the file.
func (r *embeddedRegistrar) revoke(_ context.Context, identity string) error {
	if _, ok := r.keys.Grant(identity); !ok {
		return fmt.Errorf("%w %q is not known", registrar.ErrIdentity, identity)
	}
	var left []registrar.Identity
	for _, name := range r.keys.Names() {
		if grant, ok := r.keys.Grant(name); ok && name != identity {
			left = append(left, registrar.Identity{Name: name, Key: r.keys.Key(name), Grant: grant})
		}
	}
	return r.keys.Replace(left...)
}

// restartGrace is how long associations have to end before a restart; a node that does not
// answer is not waited for.
const restartGrace = time.Second

// restart ends the registrar and starts it again, with the keys as they are now.
func (r *embeddedRegistrar) restart(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running != nil {
		ending, cancel := context.WithTimeout(ctx, restartGrace)
		err := r.running.Close(ending)
		cancel()
		r.running = nil
		if err != nil {
			return fmt.Errorf("embedded reference: ended: %w", err)
		}
	}
	if err := r.start(ctx); err != nil {
		return fmt.Errorf("embedded reference: started again: %w", err)
	}
	return nil
}

// start starts the registrar and waits until it serves: one that looks for peers tries them
// first.
func (r *embeddedRegistrar) start(ctx context.Context) error {
	running, err := registrar.Start(ctx, r.config())
	if err != nil {
		return err
	}
	select {
	case <-running.InService():
		r.running = running
		return nil
	case <-ctx.Done():
		_ = running.Close(ctx) // ctx is what went wrong
		return ctx.Err()
	}
}

func (r *embeddedRegistrar) close(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		return nil
	}
	return r.running.Close(ctx)
}
