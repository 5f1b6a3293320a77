// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/fuzz/finding"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// TestFuzzPassesBrokenFilesOfACorpusOver and says which, as a campaign is not worth less without them.
func TestFuzzPassesBrokenFilesOfACorpusOver(t *testing.T) {
	t.Parallel()
	corpus := t.TempDir()
	for name, b := range map[string][]byte{
		"good.asap":   {5, 0, 0, 16, 0, 9, 0, 12, 'E', 'c', 'h', 'o', 'P', 'o', 'o', 'l'},
		"broken.enrp": {2, 0, 0xff, 0xff, 9, 9}, // its length is for the system to judge
		"empty.asap":  nil,
		"short.enrp":  {1},
		"huge.asap":   make([]byte, 1<<17),
	} {
		if err := os.WriteFile(filepath.Join(corpus, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := rspthreat(t.Context(), "fuzz", "-q", "--corpus", corpus, "--seed", "1", "--cases", "64", "-o", filepath.Join(t.TempDir(), "fuzz"))
	if code != 0 || strings.Count(stdout, "corpus: passed over") != 3 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, name := range []string{"empty.asap: 0 octets", "short.enrp: 1 octets", "huge.asap: 131072 octets"} {
		if !strings.Contains(stdout, name) {
			t.Errorf("%q is not told\n%s", name, stdout)
		}
	}
}

// TestFuzzTakesAnswersForSlow that take longer than the user allows.
func TestFuzzTakesAnswersForSlow(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "fuzz")
	code, stdout, stderr := rspthreat(t.Context(), "fuzz", "-q", "--slow", "1ns", "--role", "pu", "--seed", "1", "--cases", "64", "--effort", "2s", "-o", out)
	kept, err := finding.Read(filepath.Join(out, finding.JSONLFile))
	if code != reports.ExitViolations || err != nil || len(kept) == 0 || kept[0].Kind != "slow" {
		t.Errorf("exit code %d, %v, %v\n%s%s", code, kept, err, stdout, stderr)
	}
}

// TestFuzzWatchesTheMemory of the process that --pid names, and takes for a finding what --memory says.
func TestFuzzWatchesTheMemory(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ limit, kind string }{{"32", "memory"}, {"4096", ""}} {
		t.Run(row.limit, func(t *testing.T) {
			t.Parallel()
			v := moodySUT(t, "swell")
			v.edit(t, "sut.yaml", fmt.Sprintf("[%q, moody, swell, ", os.Args[0]), fmt.Sprintf(`[sh, -c, 'echo $$ >pid; exec %s moody swell "$0"', `, os.Args[0]))
			out := v.path("fuzz")
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			stdout, stderr := &output{first: stop, with: "found "}, &output{}
			code := command.Main(ctx, []string{"fuzz", "-q", "--sut", v.path("sut.yaml"), "--pid", v.path("pid"), "--memory", row.limit, "--seed", "1", "--cases", "1024", "--effort", "5s", "-o", out}, stdout, stderr)
			kind := ""
			if kept, err := finding.Read(filepath.Join(out, finding.JSONLFile)); err != nil {
				t.Error(err)
			} else if len(kept) > 0 {
				kind = kept[0].Kind
			}
			if kind != row.kind || (code == 0) != (row.kind == "") {
				t.Errorf("exit code %d, found %q, want %q\n%s%s", code, kind, row.kind, stdout.String(), stderr.String())
			}
		})
	}
}

// TestFuzzKeepsToTheRate that is asked for.
func TestFuzzKeepsToTheRate(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := rspthreat(t.Context(), "fuzz", "-q", "--rate", "100", "--role", "pu", "--seed", "1", "--cases", "256", "-o", filepath.Join(t.TempDir(), "fuzz"))
	told := regexp.MustCompile(`\((\d+)/s\)`).FindStringSubmatch(stdout)
	if code != 0 || told == nil {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	// The first cases go at once: a second's worth, and what is under way in each lane.
	if rate, _ := strconv.Atoi(told[1]); rate > 200 {
		t.Errorf("%d cases a second\n%s", rate, stdout)
	}
}

// TestFuzzThatIsInterruptedIsNotGreen, and goes on where it was.
func TestFuzzThatIsInterruptedIsNotGreen(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "fuzz")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &output{}, &output{first: stop, with: "cases"} // the first word of progress
	code := command.Main(ctx, []string{"fuzz", "--role", "pu", "--seed", "1", "--cases", "1000000", "-o", out}, stdout, stderr)
	if r := results(t, out); code != reports.ExitUnreachable || r.ExitCode != code || r.Interrupted == "" || r.Complete {
		t.Errorf("exit code %d, in the report %d, interrupted %q, complete %t", code, r.ExitCode, r.Interrupted, r.Complete)
	}
	if !strings.Contains(stderr.String(), "--resume") {
		t.Errorf("how to go on is not told\n%s", stderr.String())
	}
	code, told, complaint := rspthreat(t.Context(), "fuzz", "-q", "--resume", "--role", "pu", "--time", "2s", "-o", out)
	if r := results(t, out); code != 0 || !r.Complete {
		t.Errorf("resumed: exit code %d, complete %t\n%s%s", code, r.Complete, told, complaint)
	}
}

// TestFuzzImportTakesMessagesOutOfACapture of a finding that was made in clear, and a campaign begins with them.
func TestFuzzImportTakesMessagesOutOfACapture(t *testing.T) {
	t.Parallel()
	v := moodySUT(t, "garbage")
	out, corpus := v.path("fuzz"), v.path("corpus")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout, stderr := &output{first: stop, with: "found "}, &output{}
	command.Main(ctx, []string{"fuzz", "-q", "--sut", v.path("sut.yaml"), "--seed", "1", "--cases", "4096", "--effort", "2s", "-o", out}, stdout, stderr)
	r := results(t, out)
	if len(r.Findings) == 0 || r.Findings[0].Capture == "" {
		t.Fatalf("no capture\n%s%s", stdout.String(), stderr.String())
	}
	code, told, complaint := rspthreat(t.Context(), "fuzz", "import", filepath.Join(out, r.Findings[0].Capture), "-o", corpus)
	if code != 0 || !strings.Contains(told, " messages in ") {
		t.Fatalf("import: exit code %d\n%s%s", code, told, complaint)
	}
	files, err := filepath.Glob(filepath.Join(corpus, "*.asap"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d messages, %v", len(files), err)
	}
	kinds := map[uint8]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil || len(b) < wire.HeaderLength {
			t.Errorf("%s: %d octets, %v", name, len(b), err)
			continue
		}
		kinds[b[0]] = true
	}
	if !kinds[wire.TypeCookie] {
		t.Errorf("the message that it lost its temper about is not among %v", kinds)
	}
	if code, told, complaint := rspthreat(t.Context(), "fuzz", "-q", "--corpus", corpus, "--seed", "1", "--cases", "64", "-o", v.path("again")); code != 0 {
		t.Errorf("a campaign that begins with them: exit code %d\n%s%s", code, told, complaint)
	}
}
