// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/sut"
)

// life is what the test binary is told to be.
const life = "RSPTHREAT_TEST_LIFE"

// TestMain is the tests, or a system under test of theirs.
func TestMain(m *testing.M) {
	switch os.Getenv(life) {
	case "":
		goleak.VerifyTestMain(m)
		return
	case "short":
		fmt.Fprintln(os.Stderr, "no room")
		os.Exit(7)
	case "garbage":
		fmt.Println("hello")
		os.Exit(0)
	case "sick": // it says so and lives on
		fmt.Fprint(os.Stderr, "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000011\n    #0 0x4f in decode_policy wire.c:71\n    #1 0x50 in decode_element wire.c:12\n\n")
	}
	e, err := sut.NewEmbedded()
	if err == nil {
		err = target.Serve(context.Background(), e, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(t *testing.T, as string) *target.Child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &target.Child{Command: []string{self}, Env: []string{life + "=" + as}}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func TestProcessThatDoesNotServeSaysWhy(t *testing.T) {
	for as, want := range map[string]string{"short": "no room", "garbage": "invalid character"} {
		if _, err := child(t, as).Start(t.Context()); !errors.Is(err, target.ErrChild) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", as, err)
		}
	}
}

// TestSanitizerReportIsACrash although the process lives on, and tells where it was.
func TestSanitizerReportIsACrash(t *testing.T) {
	c := child(t, "sick")
	bed := campaign.NewBed(campaign.Options{Target: c, Patterns: monitor.DefaultPatterns()})
	defer bed.Stop()
	if err := bed.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := bed.Look(t.Context())
	if len(found) != 1 || found[0].Kind != monitor.Crash || !strings.Contains(found[0].Rule, "heap-buffer-overflow") ||
		len(found[0].Where) != 2 || found[0].Where[0] != "decode_policy" {
		t.Errorf("%+v", found)
	}
	if memory, ok := c.Process().Memory(); !ok || memory < 1<<20 {
		t.Errorf("%d octets of memory, %t", memory, ok)
	}
}

// TestKilledProcessIsAFinding: a death that nothing explains is kept, the process is started again
// and the campaign goes on.
func TestKilledProcessIsAFinding(t *testing.T) {
	c := child(t, "healthy")
	killed := false
	s, err := campaign.Run(t.Context(), campaign.Options{
		Target: c, Dir: t.TempDir(), Seed: 1, Cases: 3 * 4096,
		Progress: func(campaign.Status) {
			if killed {
				return
			}
			killed = true
			if p, ok := c.Process().(interface{ Kill(os.Signal) error }); !ok || p.Kill(syscall.SIGKILL) != nil {
				t.Error("cannot kill it")
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Deaths != 1 || s.Why != campaign.WhyCases || len(s.Findings) != 1 {
		t.Fatalf("%d deaths, %s: %v", s.Deaths, s.Why, s.Findings)
	}
	if f := s.Findings[0]; f.Kind != string(monitor.Crash) || f.Confirmed || !strings.Contains(f.Title, "signal: killed") {
		t.Errorf("%s, %s", f, f.Reproduced)
	}
}

// TestProcessEndsWithItsFuzzer: nothing is left behind.
func TestProcessEndsWithItsFuzzer(t *testing.T) {
	c := child(t, "healthy")
	if _, err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := c.Process().(interface{ Done() <-chan struct{} })
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(10 * time.Second):
		t.Error("it runs on")
	}
}
