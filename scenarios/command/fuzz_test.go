// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
)

// TestFuzzFindsReplaysAndPromotes: the way of a finding, from the first message to a case of its own.
func TestFuzzFindsReplaysAndPromotes(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "fuzz")
	code, stdout, stderr := rspthreat(t.Context(), "fuzz", "--fault", "skip-owner-check", "--role", "pe", "--cases", "512", "--seed", "1", "-q", "-o", out)
	if code != reports.ExitViolations || !strings.Contains(stdout, "T2.3-R6") || !strings.Contains(stdout, "fuzz replay --fault skip-owner-check") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	f, err := os.Open(filepath.Join(out, reports.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := reports.ReadResults(f)
	if err != nil || len(r.Findings) == 0 || r.ExitCode != reports.ExitViolations {
		t.Fatalf("%+v, %v", r, err)
	}
	finding := r.Findings[0]
	for _, name := range []string{finding.Reproducer, finding.Capture, reports.JUnitFile, reports.SARIFFile, reports.HTMLFile} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%q: %v", name, err)
		}
	}
	script := filepath.Join(out, finding.Reproducer)
	if code, stdout, _ := rspthreat(t.Context(), "fuzz", "replay", "--fault", "skip-owner-check", script); code != reports.ExitViolations || !strings.Contains(stdout, "somebody else's element") {
		t.Errorf("replay: exit code %d\n%s", code, stdout)
	}
	if code, stdout, _ := rspthreat(t.Context(), "fuzz", "replay", script); code != 0 || !strings.Contains(stdout, "nothing is wrong") {
		t.Errorf("replay without the fault: exit code %d\n%s", code, stdout)
	}
	cases := t.TempDir()
	if code, stdout, _ := rspthreat(t.Context(), "fuzz", "promote", script, "--to", cases, "--name", "owner"); code != 0 || !strings.Contains(stdout, filepath.Join(cases, "owner.script")) {
		t.Errorf("promote: exit code %d\n%s", code, stdout)
	}
	corpus := filepath.Join(t.TempDir(), "corpus")
	capture := filepath.Join(out, finding.Capture)
	code, stdout, _ = rspthreat(t.Context(), "fuzz", "import", capture, "-o", corpus)
	if code != reports.ExitNothingRan || !strings.Contains(stdout, "left out: TCP at ports") { // those of the reference are chosen by the system
		t.Errorf("import: exit code %d\n%s", code, stdout)
	}
	port := regexp.MustCompile(`at ports \[(\d+)`).FindStringSubmatch(stdout)
	if port == nil {
		t.Fatal(stdout)
	}
	code, stdout, _ = rspthreat(t.Context(), "fuzz", "import", capture, "--asap-port", port[1], "-o", corpus)
	if code != reports.ExitNothingRan || strings.Contains(stdout, " 0 streams of TLS") {
		t.Errorf("import of the TLS port: exit code %d\n%s", code, stdout)
	}
	if code, stdout, _ := rspthreat(t.Context(), "fuzz", "merge", out, "-o", filepath.Join(t.TempDir(), "merged")); code != reports.ExitViolations || !strings.Contains(stdout, "by 1 shards") {
		t.Errorf("merge: exit code %d\n%s", code, stdout)
	}
}

// TestFuzzExitCodes: what is a matter of usage, and what of a system that is not there.
func TestFuzzExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := put("gone.yaml", "version: 1\nname: gone\nsecurity: clear\naddress: 127.93.99.1\ndoors: [{protocol: asap, transport: tcp, port: 9}]\n")
	// Somebody listens there, so that the process is what is missing.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	there := put("there.yaml", fmt.Sprintf("version: 1\nname: there\nsecurity: clear\naddress: 127.0.0.1\ndoors: [{protocol: asap, transport: tcp, port: %d}]\n", l.Addr().(*net.TCPAddr).Port))
	broken := put("broken.script", "rspthreat-script 1\ndance a\n")
	old := put("old.script", "rspthreat-script 99\n")
	empty := t.TempDir()
	journal := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(journal, []byte(`{"schema":"https://github.com/rspthreat/rspthreat/fuzz-journal/99","seed":7}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := put("text.pcapng", "this is no capture")
	for _, row := range []struct {
		code int
		want string
		args []string
	}{
		{reports.ExitUnreachable, "cannot be reached", []string{"fuzz", "--sut", gone, "--cases", "64", "-o", filepath.Join(dir, "gone")}},
		{reports.ExitUsage, "--shard", []string{"fuzz", "--shard", "2", "--cases", "64"}},
		{reports.ExitUsage, "from 0 to 1", []string{"fuzz", "--shard", "2/2", "--cases", "64", "-o", filepath.Join(dir, "shard")}},
		{reports.ExitUsage, "--role", []string{"fuzz", "--role", "king", "--cases", "64"}},
		{reports.ExitUsage, "--log-pattern", []string{"fuzz", "--log-pattern", "(", "--cases", "64"}},
		{reports.ExitUsage, "--lanes 0: must be", []string{"fuzz", "--lanes", "0"}},
		{reports.ExitUsage, "--deaths 0: must be", []string{"fuzz", "--deaths", "0"}},
		{reports.ExitUsage, "--depth -1: must be", []string{"fuzz", "--depth", "-1"}},
		{reports.ExitUsage, "--time -3s: must not be negative", []string{"fuzz", "--time", "-3s"}},
		{reports.ExitUsage, "--pid is for --sut", []string{"fuzz", "--pid", "x.pid", "--cases", "64"}},
		{reports.ExitUnreachable, "not found by --pid", []string{"fuzz", "--sut", there, "--pid", filepath.Join(dir, "none.pid"), "--cases", "64", "-o", filepath.Join(dir, "pid")}},
		{reports.ExitUsage, "another version", []string{"fuzz", "--resume", "--seed", "7", "--cases", "64", "-o", filepath.Dir(journal)}},
		{reports.ExitUsage, "holds no message", []string{"fuzz", "--corpus", empty, "--cases", "64", "-o", filepath.Join(dir, "corpus")}},
		{reports.ExitUsage, "no campaign to resume", []string{"fuzz", "--resume", "-o", filepath.Join(dir, "none")}},
		{reports.ExitUsage, "--fault is for the embedded reference", []string{"fuzz", "--sut", gone, "--fault", "skip-owner-check"}},
		{reports.ExitUsage, "line 2", []string{"fuzz", "replay", broken}},
		{reports.ExitUsage, "another version", []string{"fuzz", "replay", old}},
		{reports.ExitUsage, "no such file", []string{"fuzz", "replay", filepath.Join(dir, "none.script")}},
		{reports.ExitUsage, "line 2", []string{"fuzz", "promote", broken}},
		{reports.ExitUsage, "neither pcapng nor pcap", []string{"fuzz", "import", text, "-o", filepath.Join(dir, "corpus")}},
		{reports.ExitUsage, "no campaign to resume", []string{"fuzz", "merge", dir, "-o", filepath.Join(dir, "merged")}},
	} {
		code, stdout, stderr := rspthreat(t.Context(), row.args...)
		if code != row.code || !strings.Contains(stderr, row.want) {
			t.Errorf("%q: exit code %d, want %d: %s%s", row.args, code, row.code, stdout, stderr)
		}
	}
}
