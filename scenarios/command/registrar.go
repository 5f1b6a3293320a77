// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reference/daemon"
	"github.com/rspthreat/rspthreat/reports"
)

func newRegistrar() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "registrar",
		Short: "Run the reference registrar as a daemon",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := daemon.Load(config)
			if err != nil {
				return usage(err)
			}
			logger := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
			if err := daemon.Run(c.Context(), cfg, logger); err != nil {
				return &exitError{reports.ExitUnreachable, fmt.Errorf("registrar: %w", err)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&config, "config", "registrar.yaml", "configuration `file` of the registrar")
	return c
}
