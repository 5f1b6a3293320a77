// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/sut"
)

// TestMain has more tests run at once than there are processors: they wait for much of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("4")
	}
	goleak.VerifyTestMain(m)
}

// embedded is the reference in this process, with faults.
func embedded(t *testing.T, faults ...string) target.Target {
	t.Helper()
	list, err := sut.FindFaults(faults...)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sut.NewEmbedded(list...)
	if err != nil {
		t.Fatal(err)
	}
	x := &target.External{Target: e}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := x.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return x
}

func run(t *testing.T, o campaign.Options) *campaign.Summary {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := campaign.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// budget of cases within which a campaign finds what a fault of the reference lets through.
const budget = 12_000

func TestFaultsOfTheReferenceAreFound(t *testing.T) {
	for fault, requirement := range map[string]string{
		"skip-owner-check": "T2.3-R6",
		"skip-role-check":  "T2.1-R1",
		"skip-pool-check":  "T2.4-R1",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			s, err := campaign.Run(ctx, campaign.Options{
				Target: embedded(t, fault), Dir: dir, Seed: 1, Cases: budget, Found: func(f *finding.Finding) {
					if f.Requirement == requirement {
						stop()
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Findings {
				if f.Requirement != requirement || !f.Confirmed {
					continue
				}
				script, err := os.Open(filepath.Join(dir, f.Script))
				if err != nil {
					t.Fatal(err)
				}
				defer script.Close()
				parsed, err := conversation.Parse(script)
				if err != nil || parsed.Messages() != f.Messages || f.Messages > 3 {
					t.Errorf("script of %d messages, %v", f.Messages, err)
				}
				return
			}
			t.Errorf("no finding breaks %s: %v", requirement, s.Findings)
		})
	}
}

func TestNothingIsFoundInTheReference(t *testing.T) {
	t.Parallel()
	s := run(t, campaign.Options{Target: embedded(t), Seed: 2, Cases: budget / every})
	if len(s.Findings) > 0 || s.Why != campaign.WhyCases || s.NewCases < budget/every {
		t.Errorf("%d cases, %s: %v", s.NewCases, s.Why, s.Findings)
	}
}

// TestCampaignGoesOnWhereItWasInterrupted, with what was found, and is not mixed up with another.
func TestCampaignGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := campaign.Options{Target: embedded(t), Dir: dir, Seed: 3, Roles: []model.Role{model.Stranger, model.PU}}
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(campaign.Status) { cancel() }
	first, err := campaign.Run(ctx, o)
	if err != nil || first.Why != campaign.WhyInterrupted || first.Cases == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	o.Progress = nil
	if _, err := campaign.Run(t.Context(), o); !errors.Is(err, campaign.ErrExists) {
		t.Errorf("a second campaign in the same directory: %v", err)
	}
	o.Resume, o.Seed = true, 4
	if _, err := campaign.Run(t.Context(), o); !errors.Is(err, campaign.ErrOther) {
		t.Errorf("resumed with another seed: %v", err)
	}
	o.Seed, o.Cases = 3, first.Cases+1
	second := run(t, o)
	if second.Cases <= first.Cases || second.NewCases != second.Cases-first.Cases {
		t.Errorf("%d cases after %d, %d of them new", second.Cases, first.Cases, second.NewCases)
	}
	o.Dir = t.TempDir()
	if _, err := campaign.Run(t.Context(), o); !errors.Is(err, campaign.ErrNone) {
		t.Errorf("resumed from nothing: %v", err)
	}
}

// TestJournalOfAnotherVersionIsLeftAlone, and a broken one is named with its line.
func TestJournalOfAnotherVersionIsLeftAlone(t *testing.T) {
	for _, row := range []struct {
		text string
		want error
	}{
		{`{"schema":"https://github.com/rspthreat/rspthreat/fuzz-journal/99"}` + "\n", finding.ErrVersion},
		{"garbage\n", campaign.ErrJournal},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, campaign.JournalFile)
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := campaign.Run(t.Context(), campaign.Options{Target: embedded(t), Dir: dir, Resume: true, Cases: 1})
		if !errors.Is(err, row.want) || !strings.Contains(err.Error(), path+":1") {
			t.Errorf("%q: %v", row.text, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != row.text {
			t.Errorf("the journal was changed: %q, %v", b, err)
		}
	}
}
