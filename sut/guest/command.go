// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// errNoControl says that a command was not run under "guest run".
var errNoControl = errors.New("guest: " + ControlEnv + " is not set: no guest is running here; use guest run")

// NewCommand gives the command "guest": "guest run -- COMMAND" starts a guest and runs COMMAND beside it, and the others
// are for COMMAND, such as the start, stop and reset commands of a system under test. "guest agent" is the program's
// life in the guest. Progress and the place of the guest go to the command's error stream, output to its output stream.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "guest",
		Short: "Run rsplib's registrar in a guest with kernel SCTP, isolated from every network",
	}
	cmd.AddCommand(newRunCommand(), newAgentCommand())
	for op, short := range map[string]string{
		"start":   "Start the registrars and wait until they listen",
		"stop":    "Kill the registrars",
		"reset":   "Replace the registrars by fresh ones",
		"settle":  "Wait for the end of the registrars' initialization phase",
		"ready":   "Fail unless the registrars listen",
		"log":     "Print the registrars' log since their start",
		"console": "Print the guest's console",
	} {
		cmd.AddCommand(&cobra.Command{Use: op, Short: short, Args: cobra.NoArgs, RunE: runOrder})
	}
	cmd.AddCommand(&cobra.Command{
		Use: "exec -- COMMAND...", Short: "Run a command in the guest", Args: cobra.MinimumNArgs(1), RunE: runOrder,
	})
	cmd.AddCommand(&cobra.Command{
		Use: "pipe -- COMMAND...", Short: "Run a command in the guest with the standard streams of this one, such as an adapter",
		Args: cobra.MinimumNArgs(1), RunE: runPipe,
	})
	return cmd
}

func runPipe(cmd *cobra.Command, args []string) error {
	socket := os.Getenv(ControlEnv)
	if socket == "" {
		return errNoControl
	}
	if strings.ContainsRune(args[0], filepath.Separator) { // a file of this side, which the guest sees at the same place
		var err error
		if args[0], err = filepath.Abs(args[0]); err != nil {
			return fmt.Errorf("guest: %w", err)
		}
	}
	return Pipe(cmd.Context(), socket, Streams{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()}, args...)
}

func runOrder(cmd *cobra.Command, args []string) error {
	socket := os.Getenv(ControlEnv)
	if socket == "" {
		return errNoControl
	}
	out, err := Order(cmd.Context(), socket, cmd.Name(), args...)
	_, failed := fmt.Fprint(cmd.OutOrStdout(), out)
	return errors.Join(err, failed)
}

func newAgentCommand() *cobra.Command {
	return &cobra.Command{
		Use: agentArgs[1], Hidden: true,
		Args: cobra.ArbitraryArgs, // the guest's kernel adds some
		RunE: func(*cobra.Command, []string) error { return RunAgent() },
	}
}

func newRunCommand() *cobra.Command {
	var (
		o Options
		c Config
	)
	cmd := &cobra.Command{
		Use:   "run [-- COMMAND...]",
		Short: "Start a guest, run a command beside it in a private network namespace, end the guest",
		RunE: func(cmd *cobra.Command, args []string) error {
			s := Streams{In: cmd.InOrStdin(), Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr()}
			o.Progress = func(line string) { _, _ = fmt.Fprintln(s.Err, "guest:", line) }
			img, err := Provision(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := Isolate(cmd.Context()); err != nil {
				return err
			}
			return img.Supervise(cmd.Context(), c, args, s)
		},
	}
	cmd.Flags().StringVar(&o.Cache, "cache", "", "directory of the unpacked packages (default: the user's cache)")
	cmd.Flags().IntVar(&c.Registrars, "registrars", 1, "how many registrars to run, at 10.132.1.2 upwards")
	cmd.Flags().StringArrayVar(&c.RegistrarArgs, "registrar-arg", nil, "further option of rspregistrar, such as -maxhrrate=1")
	cmd.Flags().IntVar(&c.LogLevel, "loglevel", minLogLevel, "log level of rspregistrar, 5 to 9")
	cmd.Flags().StringVar(&c.Dir, "dir", "", "keep logs and outputs in a new directory below this one")
	return cmd
}
