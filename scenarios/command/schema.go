// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/sut/schema"
)

func newSchema() *cobra.Command {
	schemas := map[string][]byte{"sut": schema.Config, "adapter": schema.Adapter, "results": reports.Schema()}
	return &cobra.Command{
		Use: "schema sut|adapter|results", Short: "Print a JSON schema: of the configuration, the adapter protocol or results.json",
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"sut", "adapter", "results"},
		RunE: func(c *cobra.Command, args []string) error {
			_, err := c.OutOrStdout().Write(schemas[args[0]])
			return err
		},
	}
}
