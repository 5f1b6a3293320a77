// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// A wrong file is a matter of usage, and the complaint says where it is wrong.
func TestDaemonsRefuseAWrongConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"registrar", "pe", "pu"} {
		v := vendor{dir: t.TempDir()}
		v.write(t, "wrong.yaml", "version: 1\nsurprise: 1\n")
		code, _, stderr := rspthreat(t.Context(), name, "--config", v.path("wrong.yaml"))
		if code != reports.ExitUsage || !strings.Contains(stderr, `wrong.yaml:2: unknown field "surprise"`) {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
}

// What tells a daemon to reload is asked for by those that can, and given back.
func TestRegistrarReloadsWhenToldTo(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reload, ended := make(chan os.Signal), false
	reloaded, done := make(chan struct{}), make(chan int, 1)
	log := &watched{want: "msg=reloaded", found: reloaded}
	go func() {
		done <- command.Main(ctx, []string{"registrar", "--config", v.path("registrar.yaml")}, log, log,
			command.WithReload(func() (<-chan os.Signal, func()) { return reload, func() { ended = true } }))
	}()
	select {
	case reload <- os.Interrupt: // the value does not matter
	case code := <-done:
		t.Fatalf("the registrar ended with %d", code)
	}
	<-reloaded
	cancel()
	if code := <-done; code != 0 || !ended {
		t.Errorf("exit code %d, reloads given back: %t", code, ended)
	}
}
