// SPDX-License-Identifier: Apache-2.0

package command

import (
	"time"

	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/ledger"
)

// fuzzRun is what a report says of a fuzzing campaign.
type fuzzRun struct {
	dir      string
	subject  reports.Subject
	command  string
	faults   []string
	started  time.Time
	complete bool
	why      string
	code     int
	findings []*finding.Finding
}

// write writes the reports of a campaign: results.json, JUnit, SARIF, and the page for people.
func (f *fuzzRun) write() error {
	w, err := reports.NewWriter(f.dir)
	if err != nil {
		return err
	}
	requirements, err := ledger.Load()
	if err != nil {
		return err
	}
	r := &reports.Results{
		Tool: tool(), Ledger: reports.Ledger{Document: requirements.Document, Version: requirements.Version, Requirements: len(requirements.Requirements)},
		Subject: f.subject, Command: f.command, Faults: f.faults, Started: f.started, Finished: time.Now(),
		Complete: f.complete, ExitCode: f.code,
	}
	if !f.complete {
		r.Interrupted = f.why
	}
	for _, found := range f.findings {
		r.Findings = append(r.Findings, found.Report())
	}
	return w.Finish(r)
}
