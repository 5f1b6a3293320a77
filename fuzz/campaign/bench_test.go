// SPDX-License-Identifier: Apache-2.0

package campaign_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/target"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/sut"
)

// cpuTime is what this process, the target in it included, has used of the processors: the number
// to trust on a machine that does other work.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCampaign runs as many cases as b.N says, and reports how many a second. The marks are
// for loopback: 20,000 cases/s with associations that are used again where the target allows it, and
// 5,000 with one for each case.
func BenchmarkCampaign(b *testing.B) {
	reference := func(b *testing.B) target.Target {
		e, err := sut.NewEmbedded()
		if err != nil {
			b.Fatal(err)
		}
		return &target.External{Target: e}
	}
	for _, row := range []struct {
		name      string
		target    func(b *testing.B) target.Target
		reconnect bool
		roles     []model.Role
	}{
		{"tolerant/tcp", func(*testing.B) target.Target { return &tolerant{transport: association.TCP} }, false, nil},
		{"tolerant/tcp/reconnect", func(*testing.B) target.Target { return &tolerant{transport: association.TCP} }, true, nil},
		{"tolerant/sctp-udp", func(*testing.B) target.Target { return &tolerant{transport: association.SCTPUDP} }, false, nil},
		{"reference/secured/all", reference, false, nil},
		{"reference/secured/pu", reference, false, []model.Role{model.PU}},
	} {
		b.Run(row.name, func(b *testing.B) {
			t := row.target(b)
			defer func() {
				if err := t.Close(context.Background()); err != nil {
					b.Error(err)
				}
			}()
			b.ReportAllocs()
			dir := b.TempDir()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			cpu := cpuTime(b)
			s, err := campaign.Run(b.Context(), campaign.Options{
				Target: t, Dir: dir, Seed: 1, Cases: uint64(b.N), Reconnect: row.reconnect, Roles: row.roles,
			})
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			for _, f := range s.Findings {
				b.Errorf("%s: %s (%s)", f.Case, f, f.Detail)
			}
			b.ReportMetric(float64(s.NewCases)/s.Ran.Seconds(), "cases/s")
			b.ReportMetric(float64(s.NewCases)/(cpuTime(b)-cpu).Seconds(), "cases/CPU-s")
			b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "MiB-after")
		})
	}
}
