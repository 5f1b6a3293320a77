// SPDX-License-Identifier: Apache-2.0

package regression_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/fuzz/regression"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/sut"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNothingIsWrongAboutMendedFaults replays every case against the reference.
func TestNothingIsWrongAboutMendedFaults(t *testing.T) {
	files, err := regression.Cases("cases")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), func(t *testing.T) {
			for _, a := range replay(t, name) {
				t.Errorf("%s", &a)
			}
		})
	}
}

func replay(t *testing.T, name string, faults ...sut.Fault) []monitor.Anomaly {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	script, err := conversation.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	e, err := sut.NewEmbedded(faults...)
	if err != nil {
		t.Fatal(err)
	}
	x := &target.External{Target: e}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := x.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	bed := campaign.NewBed(campaign.Options{Target: x, Patterns: monitor.DefaultPatterns()})
	defer bed.Stop()
	if err := bed.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, exchanges, err := bed.Try(t.Context(), script, nil, nil)
	if err != nil || len(exchanges) == 0 {
		t.Fatalf("%d exchanges, %v", len(exchanges), err)
	}
	return found
}

// TestPromotedScriptIsReplayed, and shows its fault where it is.
func TestPromotedScriptIsReplayed(t *testing.T) {
	dir := t.TempDir()
	script, err := conversation.Parse(strings.NewReader("rspthreat-script 1\nopen a asap tcp tls as element\n" +
		"send a 02000018 0009000c 4563686f 506f6f6c 000e0008 <victim>\nsync a\n"))
	if err != nil {
		t.Fatal(err)
	}
	path, err := regression.Promote(dir, "foreign-deregistration", script)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := regression.Promote(dir, "foreign-deregistration", script); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one with the name: %v", err)
	}
	if _, err := regression.Promote(dir, "../elsewhere", script); !errors.Is(err, regression.ErrName) {
		t.Errorf("a name that is a path: %v", err)
	}
	if files, err := regression.Cases(dir); err != nil || len(files) != 1 || files[0] != path {
		t.Fatalf("cases %q, %v", files, err)
	}
	if found := replay(t, path); len(found) > 0 {
		t.Errorf("the reference: %v", found)
	}
	faults, err := sut.FindFaults("skip-owner-check")
	if err != nil {
		t.Fatal(err)
	}
	if found := replay(t, path, faults...); len(found) == 0 {
		t.Error("the reference without its defence: nothing was found")
	}
}
