// SPDX-License-Identifier: Apache-2.0

//go:build interop

// The tests with this tag boot guests. They need root, and the network once, for the packages.
package guest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/sut/guest"
)

const (
	// patience bounds a test: boots of 15 s have been seen on a loaded machine, and a test may boot twice.
	patience = 2 * time.Minute
	// agentEnv carries the agent's path over the re-execution of Isolate.
	agentEnv = "RSPTHREAT_TEST_AGENT"
)

// prepare provisions, makes an agent where this binary cannot be one, and enters a namespace.
func prepare(ctx context.Context) error {
	_, err := guest.Provision(ctx, guest.Options{Agent: os.Getenv(agentEnv)})
	if errors.Is(err, guest.ErrRaceBuild) {
		err = buildAgent(ctx)
	}
	if err != nil {
		return err
	}
	return guest.Isolate(ctx)
}

// buildAgent builds this test binary again, without -race.
func buildAgent(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rspthreat-agent-")
	if err != nil {
		return err
	}
	agent := filepath.Join(dir, "agent")
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "interop", "-o", agent, ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the agent: %w: %s", err, out)
	}
	if err := os.Setenv(agentEnv, agent); err != nil {
		return err
	}
	_, err = guest.Provision(ctx, guest.Options{Agent: agent})
	return err
}

// cleanUp removes what buildAgent made.
func cleanUp() error {
	if agent := os.Getenv(agentEnv); agent != "" {
		return os.RemoveAll(filepath.Dir(agent))
	}
	return nil
}

func image(t *testing.T) *guest.Image {
	t.Helper()
	img, err := guest.Provision(t.Context(), guest.Options{Agent: os.Getenv(agentEnv)})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// start boots a guest that is closed, at the latest, with the test, and says how long it took.
func start(t *testing.T, c guest.Config) (context.Context, *guest.Guest) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	began := time.Now()
	g, err := image(t).Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d registrars listen after %v", c.Registrars, time.Since(began))
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := g.Log()
			t.Log(log)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, g
}

// poll asks until the answer satisfies, or the test's time is up.
func poll(ctx context.Context, t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}

// nothingLeft waits until no process runs whose command line has one of the texts, and fails when dir is there.
func nothingLeft(ctx context.Context, t *testing.T, dir string, texts ...string) {
	t.Helper()
	for _, text := range append(texts, dir) {
		poll(ctx, t, "the end of the processes of "+text, func() bool { return len(processes(t, text)) == 0 })
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left (%v)", dir, err)
	}
}

// processes are the command lines with a text in them, of this machine's processes that have not ended.
func processes(t *testing.T, text string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		line, err := os.ReadFile(f)
		if err == nil && strings.Contains(string(line), text) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}
