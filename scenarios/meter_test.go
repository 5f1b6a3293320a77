// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"testing"
	"time"
)

func ms(at ...int) []time.Duration {
	out := make([]time.Duration, 0, len(at))
	for _, t := range at {
		out = append(out, time.Duration(t)*time.Millisecond)
	}
	return out
}

// TestMostIsTheLargestNumberWithinAnyWindow, wherever the window begins.
func TestMostIsTheLargestNumberWithinAnyWindow(t *testing.T) {
	for _, row := range []struct {
		at   []time.Duration
		want int
	}{
		{nil, 0},
		{ms(5), 1},
		{ms(0, 400, 900, 999, 1000), 4}, // the first and the last are a whole second apart
		{ms(0, 900, 950, 1000, 1050, 2500), 4},
		{ms(0, 1000, 2000), 1},
	} {
		if got := most(row.at, time.Second); got != row.want {
			t.Errorf("most(%v) = %d, want %d", row.at, got, row.want)
		}
	}
}

func TestRateIsThatOfEachStep(t *testing.T) {
	s := rate("keep-alives", ms(0, 10, 99, 100, 350), 0, 400*time.Millisecond)
	want := []float64{30, 10, 0, 10}
	if len(s.Points) != len(want) {
		t.Fatalf("%d points", len(s.Points))
	}
	for n, p := range s.Points {
		if p.At != time.Duration(n)*plotStep || p.Value != want[n] {
			t.Errorf("point %d: %+v, want %g", n, p, want[n])
		}
	}
}

// TestBoundFollowsTheMachine: what honest nodes need while a flood goes elsewhere is not held
// against the system under test.
func TestBoundFollowsTheMachine(t *testing.T) {
	took := func(d time.Duration) []timing { return []timing{{took: d}, {took: d}, {took: time.Hour}} }
	calm := latencies{before: took(time.Millisecond), control: took(2 * time.Millisecond)}
	if got, want := calm.bound(), 6*time.Millisecond+floodGrace; got != want {
		t.Errorf("bound %s, want %s", got, want)
	}
	busy := latencies{before: took(45 * time.Millisecond), control: took(time.Second)}
	if got, want := busy.bound(), 3*time.Second+floodGrace; got != want {
		t.Errorf("bound %s, want %s", got, want)
	}
	if median(nil) != 0 {
		t.Error("nothing has a median")
	}
}
