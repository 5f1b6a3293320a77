// SPDX-License-Identifier: Apache-2.0

// Command rspthreat shows whether an RSerPool system withstands the threats of
// draft-ietf-rserpool-threats-15. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rspthreat/rspthreat/scenarios/command"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait for reports and graceful ends
	return command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr, command.WithInput(os.Stdin), command.WithReload(hangups))
}

// hangups is asked for by the daemons that read their keys again on SIGHUP; every other
// command ends with its terminal.
func hangups() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1) // one more reload than the one under way is enough
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
