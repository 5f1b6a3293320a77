// SPDX-License-Identifier: Apache-2.0

package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sarifStandard compiles OASIS's schema of SARIF 2.1.0 (errata 01), as OASIS publishes it.
func sarifStandard(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(sarifSchema, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(sarifSchema)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sarifOf(t *testing.T, r *Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeSARIF(&b, clean(r)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSARIFIsValid(t *testing.T) {
	s := sarifStandard(t)
	for name, r := range map[string]*Results{"every verdict": everyVerdict(t), "hostile": hostile(t), "nothing": {}, "all fields": filled(t)} {
		t.Run(name, func(t *testing.T) {
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(sarifOf(t, r)))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err != nil {
				t.Error(err)
			}
		})
	}
}

// A reader of its own, so that the library does not vouch for itself.
type readSARIF struct {
	Runs []struct {
		Tool struct {
			Driver struct {
				Name  string
				Rules []struct{ ID string }
			}
		}
		Invocations []struct {
			ExecutionSuccessful        bool
			ExitCode                   int
			ToolExecutionNotifications []struct {
				Level   string
				Message struct{ Text string }
			}
		}
		Results []struct {
			RuleID, Kind, Level string
			Message             struct{ Text string }
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine int }
				}
			}
			PartialFingerprints map[string]string
			Suppressions        []struct{ Kind, Status, Justification string }
		}
	}
}

// GitHub makes an alert of every result, whatever its kind, and refuses one without a place.
func TestSARIFMakesAlertsOfWhatIsNotMetOnly(t *testing.T) {
	r := everyVerdict(t)
	r.Subject.ConfigFile = "conf/registrar.yaml"
	var got readSARIF
	if err := json.Unmarshal(sarifOf(t, r), &got); err != nil {
		t.Fatal(err)
	}
	run := got.Runs[0]
	want := []struct{ rule, level, file, says, justification string }{
		{"T2.1-R1", "error", "conf/registrar.yaml", "resolvable by an honest pool user", ""},
		{"T2.2-R5", "warning", "conf/registrar.yaml", "1000 refusals", "fixed in 4.3 (https://tracker.example.net/417), until 2026-12-31"},
		{"fuzz-crash", "error", "findings/crash-1f3a9c02/input.bin", "ends the registrar", ""},
		{"T2.10-R1", "warning", "conf/registrar.yaml", "Keep-alives", ""},
		{"fuzz-divergence", "note", "conf/registrar.yaml", "Flags", ""}, // its baseline entry has expired
	}
	if len(run.Results) != len(want) {
		t.Fatalf("%d results, want %d", len(run.Results), len(want))
	}
	for i, w := range want {
		g := run.Results[i]
		at := g.Locations[0].PhysicalLocation
		if g.RuleID != w.rule || g.Level != w.level || g.Kind != "fail" || at.ArtifactLocation.URI != w.file || at.Region.StartLine != 1 || !strings.Contains(g.Message.Text, w.says) {
			t.Errorf("result %d is %+v, want %+v", i, g, w)
		}
		if (w.justification == "") != (len(g.Suppressions) == 0) || len(g.Suppressions) == 1 && g.Suppressions[0].Justification != w.justification {
			t.Errorf("result %d: suppressions %+v", i, g.Suppressions)
		}
		if g.PartialFingerprints[fingerprint1] == "" {
			t.Errorf("result %d has no fingerprint", i)
		}
	}
	if rules := run.Tool.Driver.Rules; len(rules) != 8 { // six requirements and two kinds of finding
		t.Errorf("%d rules: %v", len(rules), rules)
	}
	notes := run.Invocations[0].ToolExecutionNotifications
	if len(notes) != 2 || notes[0].Level != "warning" || !strings.Contains(notes[1].Message.Text, "harness-error: T2.11-R1@registrar") {
		t.Errorf("notifications %+v", notes)
	}
}

func TestSARIFOfAnInterruptedRunSaysSo(t *testing.T) {
	var got readSARIF
	if err := json.Unmarshal(sarifOf(t, &Results{Interrupted: "Ctrl-C", ExitCode: ExitUnreachable}), &got); err != nil {
		t.Fatal(err)
	}
	i := got.Runs[0].Invocations[0]
	if i.ExecutionSuccessful || i.ExitCode != ExitUnreachable || len(i.ToolExecutionNotifications) != 1 {
		t.Errorf("invocation %+v", i)
	}
}

// A place must be a relative URI within the repository.
func TestSARIFPointsAtTheConfigurationOnlyWhereItCanBe(t *testing.T) {
	for file, want := range map[string]string{
		"": ResultsFile, "a.yaml": "a.yaml", "ci/a.yaml": "ci/a.yaml", "/etc/a.yaml": ResultsFile, "../a.yaml": ResultsFile, "a b.yaml": ResultsFile, "javascript:x": ResultsFile,
	} {
		if got := configFile(&Results{Subject: Subject{ConfigFile: file}}); got != want {
			t.Errorf("%q became %q, want %q", file, got, want)
		}
	}
}
