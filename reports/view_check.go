// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"slices"
	"strings"
	"time"
)

// checkView is a check with the results that rest on it.
type checkView struct {
	*Check
	Results   []Result
	Verdict   Verdict
	Faults    []string
	Space     difference
	HasSpace  bool
	Timeline  []stepView
	Ladders   []ladder
	PlotViews []plotView
	Evidence  []evidenceFile
	Data      messageData
	Attempted []attempt // what the attack steps did
	Happened  []string  // what the oracles saw
}

// attempt is an attack and what came back, in lines.
type attempt struct {
	Title string
	Came  []string
	More  int
}

// maxCame bounds the lines of an attempt; the steps of the check tell all.
const maxCame = 3

func newAttempt(s Step) attempt {
	a := attempt{Title: s.Title}
	for _, line := range strings.Split(s.Outcome, "; ") {
		a.Came = addNew(a.Came, line)
	}
	if n := len(a.Came) - maxCame; n > 0 {
		a.Came, a.More = a.Came[:maxCame], n
	}
	return a
}

// stepView is a step on the time axis of its check, which is timelineWidth wide.
type stepView struct {
	Step
	Number      int
	Came        []string      // the outcome in lines
	After       time.Duration // since the start of the check
	X, W        int
	HasMessages int
}

// timelineWidth is the width of the axis in units of its own; the page stretches it.
const timelineWidth = 1000

func newCheckView(c *Check, results []Result, e *embedder) checkView {
	v := checkView{
		Check: c, Space: diff(c.Before, c.After), HasSpace: len(c.Before)+len(c.After) > 0,
		Timeline: timeline(c), Ladders: ladders(c), Evidence: e.evidence(c), Data: messageData{c},
	}
	for _, p := range c.Plots {
		v.PlotViews = append(v.PlotViews, newPlotView(p))
	}
	for _, r := range results {
		if r.Check != c.ID {
			continue
		}
		v.Results = append(v.Results, r)
		for _, f := range r.Faults {
			v.Faults = addNew(v.Faults, f)
		}
	}
	v.Verdict = worstOf(v.Results)
	for _, s := range c.Steps {
		switch s.Kind {
		case Attack:
			v.Attempted = append(v.Attempted, newAttempt(s))
		case Oracle:
			v.Happened = addNew(v.Happened, s.Outcome)
		}
	}
	return v
}

// Open tells whether the page shows the check unfolded: what is not as it should be is what people look for.
func (v checkView) Open() bool {
	return slices.Contains([]Verdict{Fail, Warn, HarnessError}, v.Verdict)
}

// TotalMessages counts the messages that are left out, too.
func (v checkView) TotalMessages() int { return len(v.Messages) + v.MessagesOmitted }

func timeline(c *Check) []stepView {
	said := map[int]int{}
	for i := range c.Messages {
		said[c.Messages[i].Step]++
	}
	total := c.Duration
	for _, s := range c.Steps {
		if end := s.Started.Sub(c.Started) + s.Duration; !s.Started.IsZero() && end > total {
			total = end
		}
	}
	out := make([]stepView, 0, len(c.Steps))
	for i, s := range c.Steps {
		v := stepView{Step: s, Number: i + 1, HasMessages: said[i]}
		if s.Outcome != "" {
			v.Came = strings.Split(s.Outcome, "; ")
		}
		if !s.Started.IsZero() && !c.Started.IsZero() {
			v.After = max(s.Started.Sub(c.Started), 0)
		}
		if total > 0 {
			v.X = min(int(int64(timelineWidth)*int64(v.After)/int64(total)), timelineWidth)
			v.W = min(int(int64(timelineWidth)*int64(max(s.Duration, 0))/int64(total)), timelineWidth-v.X)
		}
		v.W = max(v.W, 4) // what took no time is still there
		v.X = min(v.X, timelineWidth-v.W)
		out = append(out, v)
	}
	return out
}
