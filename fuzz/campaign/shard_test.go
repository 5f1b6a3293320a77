// SPDX-License-Identifier: Apache-2.0

package campaign

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/model"
)

// TestShardsShareTheBlocks: each block is run by one of them, and none of a phase together with
// one of the next.
func TestShardsShareTheBlocks(t *testing.T) {
	const shards, want = 3, 4 * model.PhaseBlocks
	var all []uint64
	for shard := range shards {
		c := Campaign{opts: Options{Shard: shard, Shards: shards}}
		for c.progress.Block < want {
			list := c.blocks()
			if len(list) == 0 {
				t.Fatal("no blocks")
			}
			for _, b := range list {
				if b/model.PhaseBlocks != list[0]/model.PhaseBlocks {
					t.Fatalf("blocks of two phases: %v", list)
				}
				if b < want {
					all = append(all, b)
				}
			}
			c.progress.Block = list[len(list)-1] + 1
		}
	}
	slices.Sort(all)
	if len(all) != want || len(slices.Compact(all)) != want {
		t.Errorf("%d blocks, want %d", len(all), want)
	}
}

// TestRateIsThatOfAllShardsTogether.
func TestRateIsThatOfAllShardsTogether(t *testing.T) {
	l := newLimiter(1000, 4)
	if l.every != 4*time.Millisecond {
		t.Errorf("a case every %s", l.every)
	}
	began := time.Now()
	for range 5 {
		l.wait(context.Background(), 5)
	}
	if took := time.Since(began); took < 4*5*l.every {
		t.Errorf("25 cases in %s", took)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	l.wait(ended, 1_000_000) // the next one would have to wait for an hour
	l.wait(ended, 1)
}
