//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"context"
	"errors"
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
	// toolsEnv names the directory of what runs in the guest. It is made once, and the variable carries it over the
	// re-execution of Isolate.
	toolsEnv = "RSPTHREAT_TEST_TOOLS"
	// startTimeout is for the build, the first download and the boot on a busy machine.
	startTimeout = 5 * time.Minute
	// addresses of the guest: two registrars, two elements, one user.
	addresses = 5
)

// vm is the guest that all tests share: a boot takes longer than most of them.
var vm *guest.Guest

// TestMain is the tests, and what prepares them.
func TestMain(m *testing.M) {
	if err := prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(booted{m}, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(os.Getenv(toolsEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// booted runs the tests beside a guest.
type booted struct{ m *testing.M }

// Run implements goleak.TestingM: what is still there after it is a leak.
func (b booted) Run() int {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	img, err := guest.Provision(ctx, guest.Options{Agent: command()})
	if err == nil {
		vm, err = img.Start(ctx, guest.Config{Addresses: addresses})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := b.m.Run()
	if err := vm.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// command is the path of rspthreat. It runs here and in the guest, and is therefore built without the race detector.
func command() string { return filepath.Join(os.Getenv(toolsEnv), "rspthreat") }

// prepare builds, provisions, and enters a namespace.
func prepare(ctx context.Context) error {
	if os.Getenv(toolsEnv) == "" {
		dir, err := os.MkdirTemp("", "rspthreat-tools-")
		if err != nil {
			return err
		}
		if err := errors.Join(os.Chmod(dir, 0o755), os.Setenv(toolsEnv, dir)); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-race=false", "-o", command(), "github.com/rspthreat/rspthreat")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w: %s", err, out)
		}
		if _, err := guest.Provision(ctx, guest.Options{Agent: command()}); err != nil {
			return err
		}
	}
	return guest.Isolate(ctx)
}
