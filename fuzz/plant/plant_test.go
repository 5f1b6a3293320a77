// SPDX-License-Identifier: Apache-2.0

package plant_test

import (
	"context"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/plant"
	"github.com/rspthreat/rspthreat/fuzz/triage"
)

// TestMain has more tests run at once than there are processors: they wait for most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("4")
	}
	goleak.VerifyTestMain(m)
}

// response is how long a planted registrar has for an answer: a hundred times what it needs.
const response = 2 * time.Second

// slow is what a planted registrar has for an answer before it counts as late.
const slow = 350 * time.Millisecond

// effort is what a bug is worth: they are simple. The trials are the bound, and the time is
// what they may take on a machine that does other work.
var effort = triage.Effort{Trials: 400, Time: 2 * time.Minute}

// registered is the transition of the model in which a registration is granted.
const registered = "pe connected > registered: register"

func fuzz(ctx context.Context, t *testing.T, b plant.Bug, at netip.Addr, dir string, found func(*finding.Finding)) *campaign.Summary {
	t.Helper()
	target, err := plant.NewTarget(b, response)
	if err != nil {
		t.Fatal(err)
	}
	target.Address = at
	defer func() {
		if err := target.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	s, err := campaign.Run(ctx, campaign.Options{
		Target: target, Dir: dir, Seed: 1, Cases: b.Budget, SlowAfter: slow, MemoryGrowth: 64 << 20, Effort: effort, Found: found,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPlantedBugsAreFound within their budgets, confirmed, minimised, and each once.
func TestPlantedBugsAreFound(t *testing.T) {
	for n, b := range plant.Bugs() {
		if n%every != 0 {
			continue
		}
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			like := func(f *finding.Finding) bool {
				return f.Kind == string(b.Kind) && strings.Contains(f.Title, b.Rule)
			}
			var seen atomic.Int32
			began := time.Now()
			s := fuzz(ctx, t, b, netip.Addr{}, dir, func(f *finding.Finding) {
				if like(f) && seen.Add(1) == 1 {
					stop()
				}
			})
			for _, f := range s.Findings {
				if !like(f) {
					continue
				}
				check(t, &b, f, dir)
				t.Logf("%s: after %d cases and %s, %d messages, %s", f.Name, f.Cases, time.Since(began).Round(time.Millisecond), f.Messages, f.Reproduced)
				return
			}
			t.Errorf("not found in %d cases (%s): %v", s.Cases, s.Why, s.Findings)
		})
	}
}

func check(t *testing.T, b *plant.Bug, f *finding.Finding, dir string) {
	t.Helper()
	if !f.Confirmed || f.Messages > b.Messages {
		t.Errorf("reproduced %s, %d messages, at most %d are enough", f.Reproduced, f.Messages, b.Messages)
	}
	if b.Kind == monitor.Crash && (len(f.Where) == 0 || !strings.Contains(f.Where[0], "plant.")) {
		t.Errorf("the crash is at %q", f.Where)
	}
	text, err := os.ReadFile(filepath.Join(dir, f.Script))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conversation.Parse(strings.NewReader(string(text))); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}

// TestNothingIsFoundWithoutABug within the same budgets, and elements are registered by IPv4 and by IPv6.
func TestNothingIsFoundWithoutABug(t *testing.T) {
	for _, row := range []struct {
		bug plant.Bug
		at  netip.Addr
	}{
		{plant.Bug{Name: "in clear", Budget: 40_000 / every, Clear: true}, netip.Addr{}},
		{plant.Bug{Name: "secured", Budget: 8_000 / every}, netip.Addr{}},
		{plant.Bug{Name: "secured, IPv6", Budget: 4_000 / every}, netip.IPv6Loopback()},
	} {
		t.Run(row.bug.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := fuzz(t.Context(), t, row.bug, row.at, dir, nil)
			if s.Coverage[registered] == 0 {
				t.Errorf("no element was registered: %v", s.Coverage)
			}
			if s.Why != campaign.WhyCases {
				t.Errorf("%d cases: %s", s.Cases, s.Why)
			}
			for _, f := range s.Findings {
				script, err := os.ReadFile(filepath.Join(dir, f.Script))
				t.Errorf("%s (%s)\n%.4000s\n%v", f, f.Detail, script, err)
			}
		})
	}
}
