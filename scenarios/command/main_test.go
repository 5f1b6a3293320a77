// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rspthreat/rspthreat/scenarios/command"
)

// TestMain is the tests, or the rspthreat command that a system under test of theirs runs.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(command.Main(ctx, os.Args[1:], os.Stdout, os.Stderr, command.WithInput(os.Stdin)))
	}
	os.Exit(m.Run())
}
