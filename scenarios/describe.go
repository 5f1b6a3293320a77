// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
	"github.com/rspthreat/rspthreat/sut"
)

// EvidenceVariable names the environment variable with the directory into which the ginkgo
// suite writes the captures of its checks; without it they are not kept.
const EvidenceVariable = "RSPTHREAT_EVIDENCE"

// Describe adds a spec for each requirement and role that is judged to a ginkgo suite. Specs
// are labelled with section, role, level and requirement. A requirement that is not met
// fails, one without a verdict fails and says so, and one that does not apply is skipped
// with its reason; verdict, reason and evidence are report entries of the spec.
//
// open is called once in each process of the suite. The specs of one check stay in one
// process; those that follow from others (section 3) come at the end, in the first process.
// A target that all checks share makes all specs serial.
func Describe(open func() (sut.Target, error)) bool {
	ginkgo.ReportAfterSuite("the results of all processes are not needed any more", func(ginkgo.Report) { newShelf().clear() })
	return ginkgo.Describe("draft-ietf-rserpool-threats-15", func() {
		target, err := open()
		if err != nil {
			ginkgo.It("opens the system under test", func() { ginkgo.Fail(err.Error()) })
			return
		}
		requirements, err := ledger.Load()
		if err != nil {
			ginkgo.It("loads the ledger", func() { ginkgo.Fail(err.Error()) })
			return
		}
		s := &suite{engine: &engine.Engine{
			Target: target, Ledger: requirements, Checks: Checks(), Command: "rspthreat run", Seed: uint64(ginkgo.GinkgoRandomSeed()),
		}}
		together := []any{ginkgo.Ordered, ginkgo.ContinueOnFailure}
		if !target.Shared() {
			s.shelf = newShelf()
			s.describe(together...)
			ginkgo.Describe("what follows", append(together, ginkgo.Serial, s.describeDerived)...)
			return
		}
		ginkgo.Describe("one system for all", append(together, ginkgo.Serial, func() {
			ginkgo.AfterAll(func(ctx ginkgo.SpecContext) error { return target.Close(ctx) })
			s.describe()
			s.describeDerived()
		})...)
	})
}

// suite runs each check once, however many specs ask for its verdicts.
type suite struct {
	engine *engine.Engine
	shelf  *shelf // nil where there is one process for all
	mu     sync.Mutex
	done   map[string]engine.Outcome
}

func (s *suite) describe(together ...any) {
	checks := s.engine.Checks
	for i := range checks {
		c := &checks[i]
		ginkgo.Describe(c.Title, append(slices.Clone(together), func() {
			for _, id := range c.Requirements {
				s.spec(id, string(c.Role), func(ctx ginkgo.SpecContext) { s.judge(ctx, c, id) })
			}
		})...)
	}
}

// describeDerived adds the specs of what follows from other verdicts.
func (s *suite) describeDerived() {
	for _, req := range s.engine.Ledger.Requirements {
		for _, role := range req.Roles {
			if len(req.From[role]) > 0 {
				s.spec(req.ID, role, func(ctx ginkgo.SpecContext) { s.judgeDerived(ctx, req, role) })
			}
		}
	}
}

func (s *suite) spec(id, role string, body func(ginkgo.SpecContext)) {
	req, err := s.engine.Ledger.Find(id)
	if err != nil {
		ginkgo.It(id, func() { ginkgo.Fail(err.Error()) })
		return
	}
	labels := ginkgo.Label(req.Section, role, string(req.Level), id)
	ginkgo.It(fmt.Sprintf("%s %s: %s", id, role, req.Gist), labels, body)
}

func (s *suite) judge(ctx context.Context, c *engine.Check, id string) {
	out, err := s.outcome(ctx, c)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	for _, r := range out.Results {
		if r.Requirement == id {
			settle(r, evidence(out.Check))
		}
	}
}

// judgeDerived judges by the verdicts of this process, of the others, and of checks that no
// process has run, since the label filter left their own specs out.
func (s *suite) judgeDerived(ctx context.Context, req ledger.Requirement, role string) {
	var sources []reports.Result
	for i := range s.engine.Checks {
		c := &s.engine.Checks[i]
		needed := func(id string) bool { return slices.Contains(req.From[role], id) }
		if string(c.Role) != role || !slices.ContainsFunc(c.Requirements, needed) {
			continue
		}
		results, ok := s.shelf.take(c.ID)
		if !ok {
			out, err := s.outcome(ctx, c)
			if err != nil {
				ginkgo.Fail(err.Error())
			}
			results = out.Results
		}
		sources = append(sources, results...)
	}
	settle(s.engine.Derive(req, role, sources), "")
}

// settle makes the state of the spec from a verdict.
func settle(r reports.Result, evidence string) {
	const quiet = ginkgo.ReportEntryVisibilityFailureOrVerbose
	ginkgo.AddReportEntry("result", r.ID+" "+string(r.Verdict), quiet)
	ginkgo.AddReportEntry("verdict", string(r.Verdict), quiet)
	ginkgo.AddReportEntry("reason", r.Reason, quiet)
	if evidence != "" {
		ginkgo.AddReportEntry("evidence", evidence, quiet)
	}
	switch r.Verdict {
	case reports.Pass, reports.Warn:
	case reports.NotApplicable, reports.Unsupported:
		ginkgo.Skip(r.Reason)
	default:
		ginkgo.Fail(fmt.Sprintf("%s: %s", r.Verdict, r.Reason))
	}
}

func (s *suite) outcome(ctx context.Context, c *engine.Check) (engine.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if out, ok := s.done[c.ID]; ok {
		return out, nil
	}
	out := s.engine.RunCheck(ctx, c, func(string) bool { return true })
	if dir := os.Getenv(EvidenceVariable); dir != "" && out.Capture != nil {
		if err := reports.WriteCapture(dir, &out.Check, out.Capture); err != nil {
			return out, err
		}
	}
	out.Capture = nil
	if s.done == nil {
		s.done = make(map[string]engine.Outcome)
	}
	s.done[c.ID] = out
	return out, s.shelf.put(c.ID, out.Results)
}

// evidence tells the steps and the messages of a check, a line each.
func evidence(c reports.Check) string {
	var b strings.Builder
	for _, step := range c.Steps {
		fmt.Fprintf(&b, "%s: %s -> %s\n", step.Kind, step.Title, step.Outcome)
	}
	for _, m := range c.Messages {
		fmt.Fprintf(&b, "%s -> %s (%s) %s %s\n", m.From, m.To, m.Door, m.Name, m.Summary)
	}
	return b.String()
}
