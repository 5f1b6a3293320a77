//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/sut/guest"
)

const (
	// patience bounds a test: the guest is slow, and boots of 15 s have been seen.
	patience = 4 * time.Minute
	// toolsEnv names the directory of what runs in the guest. It is made once, and
	// the variable carries it over the re-execution of Isolate.
	toolsEnv = "RSPTHREAT_TEST_TOOLS"
	// roleArg makes this program a peer in the guest, see peer_test.go.
	roleArg = "kernel-peer"
)

// TestMain is four programs: the tests, what prepares them, the first process of
// the guest, and a peer in it.
func TestMain(m *testing.M) {
	if guest.IsAgent() {
		fmt.Fprintln(os.Stderr, guest.RunAgent())
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == roleArg {
		os.Exit(peer(os.Args[2:]))
	}
	if err := prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(os.Getenv(toolsEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// tool is the path of a test binary for the guest, "interop" or "association".
func tool(name string) string { return filepath.Join(os.Getenv(toolsEnv), name) }

// prepare builds the binaries, without -race, which does not fit into the guest,
// provisions, and enters a namespace.
func prepare(ctx context.Context) error {
	if os.Getenv(toolsEnv) == "" {
		dir, err := os.MkdirTemp("", "rspthreat-tools-")
		if err != nil {
			return err
		}
		if err := os.Setenv(toolsEnv, dir); err != nil {
			return err
		}
		for name, pkg := range map[string]string{"interop": ".", "association": ".."} {
			cmd := exec.CommandContext(ctx, "go", "test", "-c", "-race=false", "-tags", "interop", "-o", tool(name), pkg)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("build %s: %w: %s", pkg, err, out)
			}
		}
		if _, err := guest.Provision(ctx, guest.Options{Agent: tool("interop")}); err != nil {
			return err
		}
	}
	return guest.Isolate(ctx)
}

// boot starts a guest that is closed with the test.
func boot(t *testing.T) (context.Context, *guest.Guest) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	img, err := guest.Provision(ctx, guest.Options{Agent: tool("interop")})
	if err != nil {
		t.Fatal(err)
	}
	g, err := img.Start(ctx, guest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, g
}
