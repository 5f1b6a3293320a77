// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"os"
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

// Describe adds a spec for each requirement and role that the checks judge to a ginkgo
// suite. Specs are labelled with section, role, level and requirement. A requirement that is
// not met fails, one without a verdict fails and says so, and one that does not apply is
// skipped with its reason; verdict, reason and evidence are report entries of the spec.
//
// open is called once in each process of the suite. A target that all checks share makes
// the specs serial.
func Describe(open func() (sut.Target, error)) bool {
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
		if !target.Shared() {
			s.describe() // each spec may run in any process
			return
		}
		ginkgo.Describe("one system for all", ginkgo.Serial, ginkgo.Ordered, ginkgo.ContinueOnFailure, func() {
			ginkgo.AfterAll(func(ctx ginkgo.SpecContext) error { return target.Close(ctx) })
			s.describe()
		})
	})
}

// suite runs each check once, however many specs ask for its verdicts.
type suite struct {
	engine *engine.Engine
	mu     sync.Mutex
	done   map[string]engine.Outcome
}

func (s *suite) describe() {
	checks := s.engine.Checks
	for i := range checks {
		for _, id := range checks[i].Requirements {
			req, err := s.engine.Ledger.Find(id)
			if err != nil {
				ginkgo.It(id, func() { ginkgo.Fail(err.Error()) })
				continue
			}
			labels := ginkgo.Label(req.Section, string(checks[i].Role), string(req.Level), id)
			ginkgo.It(fmt.Sprintf("%s %s: %s", id, checks[i].Role, req.Gist), labels, func(ctx ginkgo.SpecContext) {
				s.judge(ctx, &checks[i], id)
			})
		}
	}
}

func (s *suite) judge(ctx context.Context, c *engine.Check, id string) {
	out, err := s.outcome(ctx, c)
	if err != nil {
		ginkgo.Fail(err.Error())
	}
	var result reports.Result
	for _, r := range out.Results {
		if r.Requirement == id {
			result = r
		}
	}
	const quiet = ginkgo.ReportEntryVisibilityFailureOrVerbose
	ginkgo.AddReportEntry("verdict", string(result.Verdict), quiet)
	ginkgo.AddReportEntry("reason", result.Reason, quiet)
	ginkgo.AddReportEntry("evidence", evidence(out.Check), quiet)
	switch result.Verdict {
	case reports.Pass, reports.Warn:
	case reports.NotApplicable, reports.Unsupported:
		ginkgo.Skip(result.Reason)
	default:
		ginkgo.Fail(fmt.Sprintf("%s: %s", result.Verdict, result.Reason))
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
	return out, nil
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
