// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLongStepsKeepTheirFirstAndLastMessages(t *testing.T) {
	c := floodCheck(t)
	c.Messages = append(c.Messages, Message{Step: 2, Summary: "canary"})
	got := cleanCheck(c)
	if len(got.Messages) != maxStepHead+maxStepTail+1 || got.MessagesOmitted != 1000-maxStepHead-maxStepTail {
		t.Fatalf("%d messages, %d omitted", len(got.Messages), got.MessagesOmitted)
	}
	for i, want := range map[int]string{
		0: "pool flood-0000", maxStepHead - 1: "pool flood-0149", maxStepHead: "pool flood-0950",
		maxStepHead + maxStepTail - 1: "pool flood-0999", maxStepHead + maxStepTail: "canary",
	} {
		if got.Messages[i].Summary != want {
			t.Errorf("message %d is %q, want %q", i, got.Messages[i].Summary, want)
		}
	}
}

// JSON has no way to write what is not a number, and a plot no place.
func TestPlotsHoldNumbersOnlyAndKeepTheirExtremes(t *testing.T) {
	points := make([]Point, 100_000)
	points[77_777].Value, points[5].Value = 9, -9
	got := cleanPlot(Plot{
		Limits: []Limit{{"a", math.Inf(1)}, {"b", 2}},
		Series: []Series{{Name: "long", Points: points}, {Name: "bad", Points: []Point{{Value: math.NaN()}, {Value: 1}}}},
	})
	if len(got.Limits) != 1 || len(got.Series[1].Points) != 1 {
		t.Errorf("limits %v, points %v", got.Limits, got.Series[1].Points)
	}
	long := got.Series[0].Points
	if n := len(long); n > maxPoints || !slices.Contains(long, points[77_777]) || !slices.Contains(long, points[5]) {
		t.Errorf("%d points; the extremes are lost", n)
	}
}

func TestLongLogsKeepBeginningAndEnd(t *testing.T) {
	var log []string
	for i := range 10_000 {
		log = append(log, fmt.Sprint(i))
	}
	got := cleanLines(log, maxLog)
	if len(got) != maxLog || got[0] != "0" || got[maxLog-1] != "9999" || got[maxLog/2] != "[9501 lines left out]" {
		t.Errorf("%d lines: %q ... %q ... %q", len(got), got[0], got[maxLog/2], got[len(got)-1])
	}
	if got := cleanLines(log[:maxLog], maxLog); len(got) != maxLog || got[maxLog/2] != "250" {
		t.Errorf("a log of just the allowed length was changed at %q", got[maxLog/2])
	}
}

func TestNoVerdictIsAHarnessError(t *testing.T) {
	for verdict, reason := range map[Verdict]string{"": noVerdict, "sort of": noVerdict} {
		got := cleanResult(Result{ID: "T2.1-R1@registrar", Verdict: verdict})
		if got.Verdict != HarnessError || got.Reason != reason {
			t.Errorf("%q became %q: %q", verdict, got.Verdict, got.Reason)
		}
	}
}

func TestCleaningTwiceChangesNothing(t *testing.T) {
	once := clean(hostile(t))
	if d := cmp.Diff(once, clean(once)); d != "" {
		t.Error(d)
	}
}

func TestCleaningLeavesTheOriginalAlone(t *testing.T) {
	r := hostile(t)
	clean(r)
	if d := cmp.Diff(hostile(t), r); d != "" {
		t.Error(d)
	}
}
