// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	goflag "flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/scenarios/command"
)

// sideBySide is how many tests run at once: they wait more than they compute, but with the race
// detector eight whole runs at once kept honest nodes from answering in time.
const sideBySide = "3"

// TestMain is the tests, or the moody registrar, or the rspthreat command that a system under test of theirs runs.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "moody" {
		fmt.Fprintln(os.Stderr, moodily(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr, command.WithInput(os.Stdin)))
	}
	goflag.Parse()
	if err := goflag.Set("test.parallel", sideBySide); err != nil {
		panic(err) // no such flag
	}
	goleak.VerifyTestMain(m)
}
