// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

// Selection narrows a run; empty fields select everything.
type Selection struct {
	Sections     []string
	Requirements []string
}

// All tells that nothing is left out.
func (s Selection) All() bool { return len(s.Sections) == 0 && len(s.Requirements) == 0 }

func (s Selection) wants(r ledger.Requirement) bool {
	if s.All() {
		return true
	}
	return slices.Contains(s.Sections, r.Section) || slices.Contains(s.Requirements, r.ID)
}

// words are the flags that make the selection.
func (s Selection) words() string {
	var b strings.Builder
	if len(s.Sections) > 0 {
		b.WriteString(reports.SectionFlag + strings.Join(s.Sections, ","))
	}
	if len(s.Requirements) > 0 {
		b.WriteString(reports.RequirementFlag + strings.Join(s.Requirements, ","))
	}
	return b.String()
}

// ErrSelection is wrapped by errors about a selection that names what does not exist.
var ErrSelection = errors.New("selection")

// Check returns an error that wraps ErrSelection for a section or requirement that there is not.
func (s Selection) Check(l *ledger.Ledger) error {
	for _, section := range s.Sections {
		if _, ok := l.Sections[section]; !ok {
			return fmt.Errorf("%w: there is no section %q in %s", ErrSelection, section, l.Document)
		}
	}
	for _, id := range s.Requirements {
		if _, err := l.Find(id); err != nil {
			return fmt.Errorf("%w: %w", ErrSelection, err)
		}
	}
	return nil
}

// Sink takes outcomes as they come, one at a time.
type Sink func(*Outcome) error

// Execute runs the selected checks, at most parallel at once, and hands each outcome to
// sink. The results come in the order of the ledger, whatever the order of the checks. When
// ctx ends, checks under way are inconclusive and the others are not begun.
//
// The error is that of the selection or the first one of the sink; verdicts are not errors.
func (e *Engine) Execute(ctx context.Context, s Selection, parallel int, sink Sink) (*reports.Results, error) {
	if err := s.Check(e.Ledger); err != nil {
		return nil, err
	}
	if e.Target.Shared() || parallel < 1 {
		parallel = 1
	}
	reached := &reached{look: e.Reach}
	if e.Target.Rung() == 0 { // above, it is started with the first check
		reached.ask(ctx)
	}
	wanted := make(map[string]bool)
	for _, r := range e.Ledger.Requirements {
		wanted[r.ID] = s.wants(r)
	}
	wanted = needed(e.Ledger, wanted)
	outcomes, err := e.runAll(ctx, parallel, reached, func(id string) bool { return wanted[id] }, sink)
	results := &reports.Results{
		Schema: reports.SchemaID, Command: e.Command + s.words(),
		Ledger:   reports.Ledger{Document: e.Ledger.Document, Version: e.Ledger.Version, Requirements: len(e.Ledger.Requirements)},
		Complete: s.All() && ctx.Err() == nil && err == nil,
	}
	if cause := context.Cause(ctx); cause != nil {
		results.Interrupted = cause.Error()
	}
	e.collect(results, outcomes, s)
	results.ExitCode = ExitCode(results)
	return results, err
}

func (e *Engine) runAll(ctx context.Context, parallel int, reached *reached, wanted func(string) bool, sink Sink) ([]Outcome, error) {
	var (
		mu       sync.Mutex
		outcomes []Outcome
		failed   error
		workers  sync.WaitGroup
		queue    = make(chan *Check)
	)
	for range parallel {
		workers.Go(func() {
			for c := range queue {
				out := e.runOrGiveUp(ctx, c, reached, wanted)
				mu.Lock()
				if failed == nil {
					failed = sink(&out)
				}
				out.Capture = nil // it has been written; keeping all would keep the whole traffic
				outcomes = append(outcomes, out)
				mu.Unlock()
			}
		})
	}
	for i := range e.Checks {
		if slices.ContainsFunc(e.Checks[i].Requirements, wanted) {
			queue <- &e.Checks[i]
		}
	}
	close(queue)
	workers.Wait()
	return outcomes, failed
}

// collect puts the results into the order of the ledger and adds what no check judges.
func (e *Engine) collect(results *reports.Results, outcomes []Outcome, s Selection) {
	var all []reports.Result
	for _, o := range outcomes {
		results.Checks = append(results.Checks, o.Check)
		all = append(all, o.Results...)
	}
	slices.SortFunc(results.Checks, func(a, b reports.Check) int { return strings.Compare(a.ID, b.ID) })
	found := byID(all)
	for _, req := range e.Ledger.Requirements {
		if !s.wants(req) {
			continue
		}
		for _, role := range req.Roles {
			r, ok := found[ledger.ResultID(req.ID, role)]
			switch {
			case ok:
			case len(req.From[role]) > 0:
				r = e.derive(req, role, found)
			default:
				r = e.unjudged(req, role)
			}
			results.Results = append(results.Results, r)
		}
	}
}

// merge joins the verdicts of several checks on one requirement and role into the worst.
func merge(in []reports.Result) []reports.Result {
	slices.SortFunc(in, func(a, b reports.Result) int { return strings.Compare(a.Check, b.Check) })
	var out []reports.Result
	for _, r := range in {
		i := slices.IndexFunc(out, func(o reports.Result) bool { return o.ID == r.ID })
		switch {
		case i < 0:
			out = append(out, r)
		case reports.Worse(out[i].Verdict, r.Verdict) != out[i].Verdict:
			out[i] = r
		}
	}
	return out
}

// ExitCode is the exit code of a run with these results. A failure that a baseline accepts does
// not count; what is not as the baseline says it is counts like a failure.
func ExitCode(r *reports.Results) int {
	judged, failed, missing := 0, false, r.Interrupted != ""
	for _, result := range r.Results {
		if result.Verdict.Judged() {
			judged++
		}
		if result.Breaks() {
			failed = true // the baseline is not what the system is: somebody has to look
		}
		switch result.Verdict {
		case reports.Fail:
			failed = failed || !result.Accepts()
		case reports.Inconclusive, reports.HarnessError:
			missing = true
		}
	}
	switch {
	case failed:
		return reports.ExitViolations
	case missing:
		return reports.ExitUnreachable
	case judged == 0:
		return reports.ExitNothingRan
	default:
		return reports.ExitConforms
	}
}
