// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"encoding/json"
	"io"
	"path"
	"strings"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // keeps up with the format's errata; no state, no I/O
)

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	documentURI  = "https://datatracker.ietf.org/doc/draft-ietf-rserpool-threats/"
	fingerprint1 = generator + "/v1"
)

// writeSARIF writes clean results as SARIF 2.1.0 for code scanning: a rule for each requirement, a result for each one that
// is not met and for each finding of a fuzzer. GitHub shows every result as an alert, whatever its kind, and wants a place
// in a file for each. Hence requirements that are met or do not apply are rules without a result, those without a sound
// verdict are notifications of the run, and the place of a result is the configuration of the system under test.
func writeSARIF(w io.Writer, r *Results) error {
	run := sarif.NewRun()
	driver := sarif.NewToolComponent().WithName(generator).WithVersion(r.Tool.Version).WithInformationURI(documentURI)
	run.WithTool(sarif.NewTool().WithDriver(driver)).WithColumnKind("unicodeCodePoints")
	run.WithAutomationDetails(sarif.NewRunAutomationDetails().WithID(generator + "/" + r.Subject.Name + "/"))
	invocation := sarifInvocation(r)
	run.AddInvocation(invocation)
	rules := map[string]bool{}
	for i := range r.Results {
		result := &r.Results[i]
		if !rules[result.Requirement] {
			rules[result.Requirement] = true
			driver.AddRule(sarifRule(r, result))
		}
		switch result.Verdict {
		case Fail, Warn:
			run.AddResult(sarifResult(r, result))
		case Inconclusive, HarnessError:
			invocation.AddToolExecutionNotification(sarifNotification(result))
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if id := findingRule(f); !rules[id] {
			rules[id] = true
			driver.AddRule(sarif.NewRule(id).WithName(id).WithShortDescription(plainText("A fuzzer found: " + f.Kind)).
				WithProperties(securityProperties(f.Severity)))
		}
		run.AddResult(sarifFinding(r, f))
	}
	properties := sarif.NewPropertyBag()
	properties.Properties = sarif.Properties{"subject": r.Subject.Name, "verdicts": Counts(r.Results), "complete": r.Complete}
	run.WithProperties(properties)
	report := sarif.NewReport()
	report.Schema = sarifSchema
	report.AddRun(run)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(report)
}

func sarifInvocation(r *Results) *sarif.Invocation {
	i := sarif.NewInvocation().WithCommandLine(r.Command).WithExitCode(r.ExitCode).WithExitCodeDescription(outcome(r)).
		WithExecutionSuccessful(r.Interrupted == "" && r.ExitCode <= ExitViolations)
	if !r.Started.IsZero() {
		i.WithStartTimeUtc(r.Started.UTC().Format(time.RFC3339Nano))
	}
	if !r.Finished.IsZero() {
		i.WithEndTimeUtc(r.Finished.UTC().Format(time.RFC3339Nano))
	}
	if r.Interrupted != "" {
		i.AddToolExecutionNotification(sarif.NewNotification().WithLevel("error").
			WithMessage(message("The run ended early: " + r.Interrupted)))
	}
	return i
}

func sarifRule(r *Results, result *Result) *sarif.ReportingDescriptor {
	help := result.SectionTitle + " (" + r.Ledger.Document + " section " + result.Section + "). " + result.Level + ": " + result.Gist
	severity := SeverityHigh
	if result.Level == "SHOULD" {
		severity = SeverityMedium
	}
	return sarif.NewRule(result.Requirement).WithName(result.Requirement).WithShortDescription(plainText(result.Gist)).
		WithFullDescription(plainText(help)).WithHelp(plainText(help)).WithHelpURI(documentURI).
		WithProperties(securityProperties(severity, "section-"+result.Section, result.Level))
}

// securityProperties makes GitHub show a rule's alerts as those of security, with a severity.
func securityProperties(severity string, tags ...string) *sarif.PropertyBag {
	p := sarif.NewPropertyBag()
	// GitHub calls 7 and more high, 4 and more medium.
	score := map[string]string{SeverityHigh: "8.0", SeverityMedium: "5.0"}[severity]
	if score == "" {
		score = "3.0"
	}
	p.Properties = sarif.Properties{"security-severity": score, "precision": "high"}
	p.Tags = append([]string{"security", "rserpool"}, tags...)
	return p
}

func sarifResult(r *Results, result *Result) *sarif.Result {
	level := map[Verdict]string{Fail: "error", Warn: "warning"}[result.Verdict]
	text := result.Role + ": " + result.Gist + ". " + result.Reason
	if result.Certainty != "" && result.Certainty != "certain" {
		text += " (" + result.Certainty + ")"
	}
	out := sarif.NewRuleResult(result.Requirement).WithKind("fail").WithLevel(level).WithMessage(message(text)).
		WithLocations([]*sarif.Location{sarifPlace(configFile(r), result.ID)})
	out.WithPartialFingerprints(map[string]string{fingerprint1: result.Fingerprint})
	suppress(out, result.Known)
	p := sarif.NewPropertyBag()
	p.Properties = sarif.Properties{
		"id": result.ID, "role": result.Role, "verdict": result.Verdict, "certainty": result.Certainty,
		"repeat": result.Command, "report": HTMLFile + "#result-" + result.ID,
	}
	return out.WithProperties(p)
}

func sarifFinding(r *Results, f *Finding) *sarif.Result {
	level := map[string]string{SeverityHigh: "error", SeverityMedium: "warning"}[f.Severity]
	if level == "" {
		level = "note"
	}
	text := f.Title + ". " + f.Explanation
	place := configFile(r)
	if f.Reproducer != "" {
		place = f.Reproducer
	}
	out := sarif.NewRuleResult(findingRule(f)).WithKind("fail").WithLevel(level).WithMessage(message(text)).
		WithLocations([]*sarif.Location{sarifPlace(place, f.ID)})
	out.WithPartialFingerprints(map[string]string{fingerprint1: f.ID})
	if f.Count > 0 {
		out.WithOccurrenceCount(f.Count)
	}
	suppress(out, f.Known)
	p := sarif.NewPropertyBag()
	p.Properties = sarif.Properties{
		"id": f.ID, "requirement": f.Requirement, "reference": f.Reference, "repeat": f.Replay, "report": HTMLFile + "#finding-" + f.ID,
	}
	return out.WithProperties(p)
}

func findingRule(f *Finding) string {
	if f.Requirement != "" {
		return f.Requirement
	}
	return "fuzz-" + strings.ReplaceAll(f.Kind, " ", "-")
}

// suppress marks what a baseline accepts. What it accepts no longer is an alert like any other.
func suppress(out *sarif.Result, k *Known) {
	if k == nil || k.State != KnownFailure {
		return
	}
	why := k.Reason
	if k.Link != "" {
		why += " (" + k.Link + ")"
	}
	if k.Expires != "" {
		why += ", until " + k.Expires
	}
	out.Suppressions = append(out.Suppressions, sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(why))
}

func sarifNotification(r *Result) *sarif.Notification {
	level := map[Verdict]string{Inconclusive: "warning", HarnessError: "error"}[r.Verdict]
	return sarif.NewNotification().WithLevel(level).WithMessage(message(string(r.Verdict) + ": " + r.ID + ": " + r.Reason)).
		WithAssociatedRule(sarif.NewReportingDescriptorReference().WithID(r.Requirement))
}

// sarifPlace is the beginning of a file, and what is meant by it.
func sarifPlace(file, name string) *sarif.Location {
	return sarif.NewLocationWithPhysicalLocation(sarif.NewPhysicalLocation().
		WithArtifactLocation(sarif.NewSimpleArtifactLocation(file)).WithRegion(sarif.NewRegion().WithStartLine(1))).
		WithLogicalLocations([]*sarif.LogicalLocation{sarif.NewLogicalLocation().WithName(name).WithKind("resource")})
}

// configFile is the configuration of the system under test where it is part of a repository, results.json otherwise.
func configFile(r *Results) string {
	if f := r.Subject.ConfigFile; f != "" && !path.IsAbs(f) && safePath.MatchString(f) && path.Clean(f) == f && !strings.HasPrefix(f, "..") {
		return f
	}
	return ResultsFile
}

func message(text string) *sarif.Message { return sarif.NewTextMessage(text) }

func plainText(s string) *sarif.MultiformatMessageString {
	return sarif.NewMultiformatMessageString().WithText(s)
}
