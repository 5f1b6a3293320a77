// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rspthreat/rspthreat/reference/daemon"
	"github.com/rspthreat/rspthreat/reports"
)

// runner is a daemon whose configuration has been read.
type runner interface {
	Run(ctx context.Context, p daemon.Process) error
}

func newDaemons(o *options) []*cobra.Command {
	return []*cobra.Command{
		newDaemon(o, "registrar", "Run the reference registrar as a daemon", true,
			func(path string) (runner, error) { return daemon.LoadRegistrar(path) }),
		newDaemon(o, "pe", "Run the reference pool element with an echo service as a daemon", true,
			func(path string) (runner, error) { return daemon.LoadElement(path) }),
		newDaemon(o, "pu", "Send lines from the input to a pool and print what comes back", false,
			func(path string) (runner, error) { return daemon.LoadUser(path) }),
	}
}

func newDaemon(o *options, name, short string, reloads bool, load func(path string) (runner, error)) *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			d, err := load(config)
			if err != nil {
				return usage(err)
			}
			p := daemon.Process{Stdin: c.InOrStdin(), Stdout: c.OutOrStdout(), Stderr: c.ErrOrStderr()}
			if reloads {
				reload, stop := o.reload()
				defer stop()
				p.Reload = reload
			}
			if err := d.Run(c.Context(), p); err != nil {
				return &exitError{reports.ExitUnreachable, fmt.Errorf("%s: %w", name, err)}
			}
			return nil
		},
	}
	c.Flags().StringVar(&config, "config", name+".yaml", "configuration `file`")
	return c
}
