// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/reference/association"
)

// resident is the memory of this process that is in RAM (VmRSS of proc_pid_status(5)), in MiB.
func resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	kib, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	if err != nil {
		b.Fatalf("VmRSS: %v", err)
	}
	return float64(kib) / 1024
}

// BenchmarkMemory logs the resident memory after each tenth of b.N cases, the target included, and fails
// when the second half needs a quarter more than the first: `make fuzz-memory` has ten million.
func BenchmarkMemory(b *testing.B) {
	t := &tolerant{transport: association.TCP}
	defer func() {
		if err := t.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	var at []float64
	tenth := max(uint64(b.N)/10, 1)
	s, err := campaign.Run(b.Context(), campaign.Options{
		Target: t, Dir: b.TempDir(), Seed: 1, Cases: uint64(b.N),
		Progress: func(p campaign.Status) {
			if p.Cases < uint64(len(at)+1)*tenth {
				return
			}
			debug.FreeOSMemory() // what is garbage is no growth
			at = append(at, resident(b))
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range s.Findings {
		b.Errorf("%s: %s (%s)", f.Case, f, f.Detail)
	}
	b.Logf("MiB after each tenth of %d cases: %.1f", s.NewCases, at)
	const growth = 1.25 // the lanes are at different points of their work at each tenth
	if half := len(at) / 2; half > 1 && slices.Max(at[half:]) > growth*slices.Max(at[:half]) {
		b.Errorf("up to %.1f MiB in the first half, up to %.1f in the second", slices.Max(at[:half]), slices.Max(at[half:]))
	}
	b.ReportMetric(float64(s.NewCases)/s.Ran.Seconds(), "cases/s")
	b.ReportMetric(at[len(at)-1], "MiB-resident")
}
