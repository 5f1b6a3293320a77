// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reference/daemon"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut"
)

func newAdapter() *cobra.Command {
	var faults []string
	var config string
	c := &cobra.Command{
		Use:   "adapter",
		Short: "Serve the adapter protocol with the reference pool element and pool user",
		Long: "Serve the adapter protocol (sut/ADAPTER.md) on standard input and output with the reference pool\n" +
			"element and pool user, until the input ends. It is what a vendor's adapter can be compared with. With\n" +
			"--registrar it starts the reference registrar of that file as well, and tells what that knows.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := sut.FindFaults(faults...)
			if err != nil {
				return usage(err)
			}
			reference, err := sut.NewEmbedded(found...)
			if err != nil {
				return &exitError{reports.ExitUnreachable, err}
			}
			server := sut.AdapterServer{
				Driver: reference, Name: "rspthreat reference", Version: tool().Version,
				Roles: []sut.Role{sut.PoolElement, sut.PoolUser},
			}
			if config != "" {
				daemon, err := daemon.LoadRegistrar(config)
				if err != nil {
					return usage(err)
				}
				server.Registrar = &sut.ReferenceRegistrar{Config: daemon.Config, Faults: found}
				server.Roles = append(server.Roles, sut.Registrar)
			}
			if err := server.Serve(c.Context(), c.InOrStdin(), c.OutOrStdout()); err != nil {
				return &exitError{reports.ExitUnreachable, fmt.Errorf("adapter: %w", err)}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&faults, "fault", nil, "switch these `faults` of the reference on")
	c.Flags().StringVar(&config, "registrar", "", "configuration `file` of a reference registrar (see rspthreat registrar) to start and to speak for")
	return c
}
