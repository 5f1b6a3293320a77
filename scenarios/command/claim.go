// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reports"
)

func newClaim() *cobra.Command {
	return &cobra.Command{
		Use:   "claim [DIR]",
		Short: "Print what a run lets its subject claim: whose product, judged by what, complete or partial",
		Long: "Print the claim that the reports of a run support, as Markdown. The reports must be as the run has left them\n" +
			"(see verify), and the configuration must have said whose product it is (claim in the file).",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := defaultOut
			if len(args) > 0 {
				dir = args[0]
			}
			v, err := reports.Verify(dir)
			if err != nil {
				return usage(err)
			}
			if !v.Whole() {
				return usage(fmt.Errorf("%s is not whole: `rspthreat verify %s` tells what is wrong", dir, quote(dir)))
			}
			parts, err := load([]string{dir})
			if err != nil {
				return err
			}
			if lacks := reports.ClaimLacks(parts[0]); len(lacks) > 0 {
				return usage(fmt.Errorf("nobody can claim this: %s lacks %s", dir, strings.Join(lacks, ", ")))
			}
			return reports.Claim(c.OutOrStdout(), parts[0])
		},
	}
}
