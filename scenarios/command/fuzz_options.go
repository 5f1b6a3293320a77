// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/campaign"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/fuzz/triage"
)

// options translates the flags.
func (f *fuzzFlags) options() (campaign.Options, error) {
	o := campaign.Options{
		Dir: f.out, Resume: f.resume, Seed: f.seed, Cases: f.cases, Time: f.time, Rate: f.rate, Lanes: f.lanes, Depth: f.depth,
		Reconnect: f.reconnect, SlowAfter: f.slow, MemoryGrowth: f.memory << 20, MaxDeaths: f.deaths, Replay: f.command("rspthreat fuzz replay"), Corpus: f.corpus,
	}
	shard, shards, ok := strings.Cut(f.shard, "/")
	var err1, err2 error
	o.Shard, err1 = strconv.Atoi(shard)
	o.Shards, err2 = strconv.Atoi(shards)
	if !ok || err1 != nil || err2 != nil || o.Shards < 1 {
		return o, fmt.Errorf("--shard %q: must be i/n with i from 0 to n-1", f.shard)
	}
	if err := f.check(); err != nil {
		return o, err
	}
	for _, r := range f.roles {
		if o.Roles = append(o.Roles, model.Role(r)); !slices.Contains([]string{"pe", "pu", "peer", "stranger"}, r) {
			return o, fmt.Errorf("--role %q: must be pe, pu, peer or stranger", r)
		}
	}
	for _, p := range f.patterns {
		e, err := regexp.Compile(p)
		if err != nil {
			return o, fmt.Errorf("--log-pattern: %w", err)
		}
		o.Patterns = append(o.Patterns, e)
	}
	o.Effort = triage.DefaultEffort()
	o.Effort.Time = f.effort
	if o.Cases == 0 && o.Time == 0 {
		o.Time = time.Minute
	}
	return o, nil
}

// check refuses numbers that say nothing; they would quietly stand for the default.
func (f *fuzzFlags) check() error {
	for _, n := range []struct {
		flag  string
		value int64
	}{{"lanes", int64(f.lanes)}, {"depth", int64(f.depth)}, {"deaths", int64(f.deaths)}, {"memory", f.memory}} {
		if n.value < 1 {
			return fmt.Errorf("--%s %d: must be 1 or more", n.flag, n.value)
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{{"time", f.time}, {"slow", f.slow}, {"effort", f.effort}} {
		if d.value < 0 {
			return fmt.Errorf("--%s %s: must not be negative", d.flag, d.value)
		}
	}
	return nil
}
