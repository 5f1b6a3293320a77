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
	return command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
