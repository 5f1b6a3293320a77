// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
)

// The bounds of timing honest nodes, which takes a second.
const (
	honestRounds = 20 // registrations and resolutions that are timed,
	leastRounds  = 3  // or this many when they take long
	// honestPace is the time between two of them: no registrar may find an element that
	// re-registers twenty times a second for a second too busy to serve.
	honestPace = 50 * time.Millisecond
	honestTime = 5 * time.Second // when they take this long, the median is known well enough
)

// The bound on the median latency of honest nodes during a flood: floodFactor times their
// own median before it, or controlFactor times the one while the flood goes elsewhere, since
// harness, flooders and system may share two processors that do other work too; and
// floodGrace, for what is left of chance.
const (
	floodFactor   = 5
	controlFactor = 3
	floodGrace    = time.Second
)

// timing is how long an honest registration with a resolution took.
type timing struct{ at, took time.Duration }

// time times the honest element's registrations with resolutions.
func (s *stage) time(ctx context.Context) ([]timing, error) {
	timings := make([]timing, 0, honestRounds)
	pace := time.NewTicker(honestPace)
	defer pace.Stop()
	first := time.Now()
	for len(timings) < honestRounds && (len(timings) < leastRounds || time.Since(first) < honestTime) {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return timings, ctx.Err()
		}
		at, begun := s.run.Since(), time.Now()
		if err := s.element.Register(ctx); err != nil {
			return timings, err
		}
		if _, err := s.view.User().Resolve(ctx, s.run.Instance.Pool); err != nil {
			return timings, err
		}
		timings = append(timings, timing{at, time.Since(begun)})
	}
	return timings, nil
}

// median is that of the timings, 0 when there are none.
func median(timings []timing) time.Duration {
	if len(timings) == 0 {
		return 0
	}
	took := make([]time.Duration, 0, len(timings))
	for _, t := range timings {
		took = append(took, t.took)
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// plot keeps the latencies for the reports.
func (l latencies) plot(r *engine.Run) {
	series := func(name string, timings []timing) reports.Series {
		out := reports.Series{Name: name}
		for _, t := range timings {
			out.Points = append(out.Points, reports.Point{At: t.at, Value: float64(t.took) / float64(time.Millisecond)})
		}
		return out
	}
	r.Plot(reports.Plot{
		Title: "Latency of honest registrations with a resolution", Unit: "ms",
		Limits: []reports.Limit{{Name: "the median may be up to", Value: float64(l.bound()) / float64(time.Millisecond)}},
		Series: []reports.Series{
			series("without a flood", l.before), series("while it goes elsewhere", l.control), series("during the flood", l.during),
		},
	})
}

// meter notes when something came.
type meter struct {
	run *engine.Run

	mu sync.Mutex
	at []time.Duration // since the start of the check
}

// tick notes that it came now. It always returns true, so that it can answer a keep-alive.
func (m *meter) tick() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = append(m.at, m.run.Since())
	return true
}

// since returns what came from a moment on.
func (m *meter) since(from time.Duration) []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearch(m.at, from)
	return slices.Clone(m.at[i:])
}

// most is the largest number of the moments that lie within one window.
func most(at []time.Duration, window time.Duration) int {
	n, from := 0, 0
	for to := range at {
		for at[to]-at[from] >= window {
			from++
		}
		n = max(n, to-from+1)
	}
	return n
}

// plotStep is the time that one point of a rate stands for.
const plotStep = 100 * time.Millisecond

// rate is how many came a second, for a plot, between two moments.
func rate(name string, at []time.Duration, from, to time.Duration) reports.Series {
	s := reports.Series{Name: name}
	for ; from < to; from += plotStep {
		n := 0
		for _, t := range at {
			if t >= from && t < from+plotStep {
				n++
			}
		}
		s.Points = append(s.Points, reports.Point{At: from, Value: float64(n) / plotStep.Seconds()})
	}
	return s
}
