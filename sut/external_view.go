// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// own gives an instance the registrar's own view of itself, where there is an adapter that has
// it. The adapter may be what starts the registrar.
func (e *External) own(ctx context.Context, i *Instance) error {
	if e.cfg.Adapter == nil || e.viewless.Load() {
		return nil
	}
	a, err := startAdapter(ctx, e.adapterOptions())
	if err != nil {
		return err
	}
	if !slices.Contains(a.hello.Roles, Registrar) {
		e.viewless.Store(true)
		return a.close()
	}
	n, fresh, err := a.startRegistrar(ctx, specOf(e.cfg.Security, e.doors))
	switch {
	case errors.Is(err, ErrUnsupported):
		e.viewless.Store(true) // it is judged as anybody sees it
		return a.close()
	case err != nil:
		return errors.Join(fmt.Errorf("%w: its adapter does not start or find the registrar: %w", ErrUnreachable, err), a.close())
	}
	i.Own, i.Pristine = n, i.Pristine || fresh
	log, end, broken := i.log, i.close, i.broken
	i.broken = func(ctx context.Context) error { return errors.Join(broken(ctx), a.ping(ctx)) }
	i.log = func() []string { return append(log(), e.secrets.lines(append(n.Log(), a.log.lines()...))...) }
	i.close = func(ctx context.Context) error {
		return errors.Join(n.Stop(ctx), a.close(), end(ctx))
	}
	return nil
}
