// SPDX-License-Identifier: Apache-2.0

//go:build interop

package guest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/sut/guest"
)

// resetLimit is far above what Reset takes, 0.05 s on an idle machine and 0.8 s at a load of three for each
// processor, and far below the minutes for which the kernel would keep a port that it waits to shut down.
const resetLimit = 10 * time.Second

// pools asks a registrar for its handlespace, as an ENRP peer, and gives the names of the pools.
func pools(ctx context.Context, t *testing.T, g *guest.Guest, registrar netip.Addr) []string {
	t.Helper()
	out, err := g.Exec(ctx, "timeout", "20", "hsdump", fmt.Sprintf("%v:%d", registrar, guest.ENRPPort))
	if err != nil {
		t.Fatal(err)
	}
	index, _, _ := strings.Cut(out, "Selection:")
	var names []string
	for _, m := range regexp.MustCompile(`Pool "([^"]*)"`).FindAllStringSubmatch(index, -1) {
		names = append(names, m[1])
	}
	return names
}

// register makes a native pool element register a pool at a registrar.
func register(ctx context.Context, t *testing.T, g *guest.Guest, registrar netip.Addr, pool string) *guest.Process {
	t.Helper()
	p, err := g.Spawn(ctx, "timeout", "100", "rspserver", "-echo", "-poolhandle="+pool,
		fmt.Sprintf("-registrar=%v:%d", registrar, guest.ASAPPort))
	if err != nil {
		t.Fatal(err)
	}
	poll(ctx, t, "the registration of "+pool, func() bool {
		log, err := g.Log()
		return err == nil && strings.Contains(log, "Successfully registered "+pool+"/$")
	})
	return p
}

func TestResetGivesAFreshRegistrar(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 1})
	registrar := g.Addrs()[0]
	if err := g.Ready(ctx); err != nil {
		t.Error(err)
	}
	if names := pools(ctx, t, g, registrar); names != nil {
		t.Fatalf("a new registrar has pools %q", names)
	}
	pe := register(ctx, t, g, registrar, "EchoPool")
	if names := pools(ctx, t, g, registrar); len(names) != 1 || names[0] != "EchoPool" {
		t.Fatalf("registered, and the registrar has pools %q", names)
	}
	out, err := g.Exec(ctx, "sh", "-c", `(while sleep 0.1; do echo hello; done) | timeout --preserve-status -s INT 2 \
		rspterminal -poolhandle=EchoPool -registrar=`+registrar.String()+`:3863; true`)
	if err != nil || !regexp.MustCompile(`from PE \$[0-9a-f]{8}> hello`).MatchString(out) {
		t.Errorf("pool user got %q, %v", out, err)
	}
	// Frozen, the pool element neither leaves the old registrar nor comes to the new one.
	if err := pe.Signal(ctx, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := g.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > resetLimit {
		t.Errorf("Reset took %v, more than %v", took, resetLimit)
	} else {
		t.Logf("Reset took %v", took)
	}
	if log, err := g.Log(); err != nil || strings.Contains(log, "EchoPool") {
		t.Errorf("log of the fresh registrar: %v\n%s", err, log)
	}
	if names := pools(ctx, t, g, registrar); names != nil {
		t.Errorf("reset, and the registrar has pools %q", names)
	}
}

func TestStopAndStart(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 1})
	if err := g.StartRegistrars(ctx); err == nil {
		t.Error("a second start is no error")
	}
	if err := errors.Join(g.StopRegistrars(), g.StopRegistrars()); err != nil {
		t.Error(err)
	}
	if err := g.Ready(ctx); err == nil {
		t.Error("ready without a registrar")
	}
	if err := errors.Join(g.StartRegistrars(ctx), g.Ready(ctx)); err != nil {
		t.Error(err)
	}
	if err := g.Settle(ctx); err != nil {
		t.Error(err)
	}
	if log, err := g.Log(); err != nil || !strings.Contains(log, "The registrar is ready!") {
		t.Errorf("settled: %v\n%s", err, log)
	}
}

func TestRegistrarThatFailsIsNamed(t *testing.T) {
	_, err := image(t).Start(t.Context(), guest.Config{Registrars: 1, RegistrarArgs: []string{"-no-such-option"}})
	if err == nil || !strings.Contains(err.Error(), "Invalid argument <-no-such-option>") {
		t.Errorf("error %v", err)
	}
}

func TestRegistrarsArePeers(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 2})
	if err := g.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	first, second := g.Addrs()[0], g.Addrs()[1]
	register(ctx, t, g, first, "Shared")
	poll(ctx, t, "the second registrar to hear of the pool", func() bool {
		return len(pools(ctx, t, g, second)) == 1
	})
}

func TestCloseLeavesNothing(t *testing.T) {
	ctx, g := start(t, guest.Config{Registrars: 1})
	if len(processes(t, g.Dir())) == 0 {
		t.Fatal("this test does not see the guest's processes")
	}
	register(ctx, t, g, g.Addrs()[0], "Left")
	began := time.Now()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Close took %v", time.Since(began))
	nothingLeft(ctx, t, g.Dir())
	if _, err := net.InterfaceByName(g.Interface()); err == nil {
		t.Errorf("%s is left", g.Interface())
	}
	if _, err := g.Exec(ctx, "true"); !errors.Is(err, guest.ErrEnded) {
		t.Errorf("Exec after Close: %v, want %v", err, guest.ErrEnded)
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // in the middle of the boot
	defer cancel()
	dir := t.TempDir()
	if _, err := image(t).Start(ctx, guest.Config{Registrars: 1, Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
	nothingLeft(t.Context(), t, dir+"/*/no-such-directory", dir)
}

func TestKilledGuestIsNoticed(t *testing.T) {
	ctx, g := start(t, guest.Config{})
	done := make(chan error, 1)
	go func() {
		_, err := g.Exec(ctx, "sleep", "1000")
		done <- err
	}()
	if _, err := g.Exec(ctx, "sh", "-c", "echo c >/proc/sysrq-trigger"); !errors.Is(err, guest.ErrEnded) {
		t.Errorf("Exec that crashed the guest: %v, want %v", err, guest.ErrEnded)
	}
	if err := <-done; !errors.Is(err, guest.ErrEnded) {
		t.Errorf("Exec beside it: %v, want %v", err, guest.ErrEnded)
	}
	<-g.Done()
	if console, err := g.Console(); err != nil || !strings.Contains(console, "Kernel panic") {
		t.Errorf("console: %v\n%s", err, console)
	}
}
