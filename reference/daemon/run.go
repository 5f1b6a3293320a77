// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// closeTimeout bounds the graceful end: after it associations are aborted.
const closeTimeout = 5 * time.Second

// Run serves until ctx ends, and then ends every association gracefully.
func Run(ctx context.Context, c *Config, logger *slog.Logger) error {
	cfg, err := c.registrar()
	if err != nil {
		return err
	}
	cfg.Logger = logger
	r, err := registrar.Start(ctx, cfg)
	if err != nil {
		return err
	}
	for _, d := range r.Doors() {
		logger.Info("listening", "door", d.String())
	}
	logger.Info("ready", "server", r.ServerID().String(), "mode", cfg.Mode.String())
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return r.Close(closing)
}

// keys joins the PSK file with what its identities are authorised for.
func (c *Config) keys() (*registrar.Keys, error) {
	if c.PSKFile == "" {
		return nil, fmt.Errorf("%w: psk_file: a secured registrar needs one", ErrConfig)
	}
	secrets, err := registrar.ReadPSKFile(c.path(c.PSKFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	identities := make([]registrar.Identity, 0, len(c.Identities))
	for n, i := range c.Identities {
		role, err := registrar.ParseRole(i.Role)
		if err != nil {
			return nil, fmt.Errorf("%w: identities[%d]: %w", ErrConfig, n, err)
		}
		key, ok := secrets[i.Identity]
		if !ok {
			return nil, fmt.Errorf("%w: identities[%d]: %q is not in %s", ErrConfig, n, i.Identity, c.PSKFile)
		}
		identities = append(identities, registrar.Identity{Name: i.Identity, Key: key, Grant: registrar.Grant{
			Role: role, Pools: i.Pools, Server: wire.ServerID(i.ServerID),
		}})
	}
	return registrar.NewKeys(identities...)
}
