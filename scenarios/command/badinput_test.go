// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/command"
)

// edit replaces a text in a file of the vendor's.
func (v vendor) edit(t *testing.T, name, from, to string) {
	t.Helper()
	b, err := os.ReadFile(v.path(name))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), from, to)
	if text == string(b) {
		t.Fatalf("%s does not have %q", name, from)
	}
	v.write(t, name, text)
}

// What a vendor gets wrong about a registrar that runs is told for what it is, by doctor and at
// the end of a run that came to nothing; nobody is judged by it.
func TestWhatIsWrongWithAFileIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(t *testing.T, v vendor)
		want   []string // of doctor and run
	}{
		{"wrong key", func(t *testing.T, v vendor) { v.edit(t, "keys.psk", "pe-alice:31", "pe-alice:ff") }, []string{"key of pe-alice", "the handshake fails", "same key as psk_file"}},
		{"unknown identity", func(t *testing.T, v vendor) {
			v.edit(t, "keys.psk", "pe-alice:", "pe-malory:")
			v.edit(t, "sut.yaml", "element: pe-alice", "element: pe-malory")
		}, []string{"key of pe-malory", "does the system know this identity"}},
		{"wrong port", func(t *testing.T, v vendor) {
			v.edit(t, "sut.yaml", "transport: tcp, tls: true, port: 3864", "transport: tcp, tls: true, port: 3999")
		}, []string{":3999", "refused", "are port and transport right?"}},
		{"TLS expected, clear spoken", func(t *testing.T, v vendor) {
			v.edit(t, "sut.yaml", "transport: tcp, tls: true, port: 3864", "transport: tcp, tls: true, port: 3863")
		}, []string{":3863", "without TLS"}},
		{"clear expected, TLS spoken", func(t *testing.T, v vendor) {
			v.edit(t, "sut.yaml", "tls: true, ", "")
			v.edit(t, "sut.yaml", "address: 127", "security: clear\naddress: 127")
		}, []string{"speaks TLS", "write tls: true"}},
		{"another authority", func(t *testing.T, v vendor) { vendor{dir: v.dir}.certificate(t) }, []string{"certificate", "credentials.ca_file must be the authority"}},
		{"another name", func(t *testing.T, v vendor) {
			v.edit(t, "sut.yaml", "server_name: registrar.test", "server_name: other.test")
		}, []string{"credentials.server_name must be a name"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			defer v.start(t)()
			row.change(t, v)
			code, stdout, stderr := rspthreat(t.Context(), "doctor", v.path("sut.yaml"))
			if code != reports.ExitUnreachable {
				t.Errorf("doctor: exit code %d", code)
			}
			problem := ""
			for line := range strings.Lines(stdout) {
				if strings.HasPrefix(line, "problem") {
					problem += line
				}
			}
			for _, want := range row.want {
				if !strings.Contains(problem, want) {
					t.Errorf("doctor does not say %q:\n%s%s", want, stdout, stderr)
				}
			}
			out := v.path("report")
			code, _, stderr = rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out, "--section", "2.1")
			counts := reports.Counts(results(t, out).Results)
			if counts[reports.Fail]+counts[reports.Warn]+counts[reports.HarnessError] != 0 {
				t.Errorf("it is held against the system: %v", counts)
			}
			if code == reports.ExitUnreachable {
				for _, want := range row.want {
					if !strings.Contains(stderr, want) {
						t.Errorf("run does not say %q:\n%s", want, stderr)
					}
				}
			}
		})
	}
}

// Where nothing is wrong with the doors, the run says what else it may be.
func TestRunThatFindsNothingInTheWayNamesTheHandlespace(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	defer v.start(t)()
	v.edit(t, "sut.yaml", "timers:", "pool: Nowhere\ntimers:")
	code, _, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", v.path("report"), "--requirement", "T2.1-R1")
	if code != reports.ExitUnreachable || !strings.Contains(stderr, "commands that reset the registrar") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// A system of the vendor's that does not behave is no failure of its conformance either.
func TestSystemsThatDoNotBehave(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, commands string
		want           []string
	}{
		{"starts too slowly", `{start: [sleep, "300"], ready: {door: true, timeout: 1s}}`, []string{"was not ready 1s after the command start", "commands.ready.timeout"}},
		{"does not start", `{start: [sh, -c, "echo no licence >&2; exit 3"], ready: {door: true, timeout: 5s}}`, []string{"ended by itself (exit status 3): no licence"}},
		{"is not there", `{start: [no-such-program]}`, []string{"no-such-program", "not found"}},
		{"cannot be reset", `{reset: [sh, -c, "echo not now >&2; exit 1"]}`, []string{"command reset", "exit status 1: not now"}},
		{"says nothing of itself", `{start: [sh, -c, "echo hello; exec sleep 300"], ready: {log: "listening", timeout: 1s}}`, []string{`no line of its log matches "listening"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			b, err := os.ReadFile(v.path("sut.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			v.write(t, "sut.yaml", string(b)+"commands: "+row.commands+"\n")
			out := v.path("report")
			code, _, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out, "--requirement", "T2.1-R1")
			r := results(t, out).Results[0]
			if code != reports.ExitUnreachable || r.Verdict != reports.Inconclusive {
				t.Errorf("exit code %d, %s: %s\n%s", code, r.Verdict, r.Reason, stderr)
			}
			for _, want := range row.want {
				if !strings.Contains(r.Reason, want) {
					t.Errorf("it does not say %q: %s", want, r.Reason)
				}
			}
		})
	}
}

// A registrar that ends in the middle of a check is not judged by it, and its last words are told;
// what the stop command leaves behind is told as well, and ended.
func TestSystemThatEndsInTheMiddleIsToldWithItsLastWords(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "start.sh", "sleep 300 & echo $! >child\n"+self+" registrar --config registrar.yaml & registrar=$!\n"+
		"while ! test -e judged; do sleep 0.05; done; kill -KILL $registrar; echo out of licences >&2; exit 5\n")
	v.edit(t, "sut.yaml", "timers:", "commands: {start: [sh, start.sh], stop: [\"true\"], ready: {door: true}}\ntimers:")
	progress := &output{first: func() { v.write(t, "judged", "") }, with: "pass"} // it dies after the first check that judges it
	var stdout output
	code := command.Main(t.Context(), []string{"run", "--sut", v.path("sut.yaml"), "--out", v.path("report")}, &stdout, progress)
	if code != reports.ExitUnreachable {
		t.Errorf("exit code %d", code)
	}
	counts := reports.Counts(results(t, v.path("report")).Results)
	if counts[reports.Fail]+counts[reports.Warn]+counts[reports.HarnessError] != 0 || counts[reports.Pass] == 0 || counts[reports.Inconclusive] == 0 {
		t.Errorf("verdicts %v", counts)
	}
	for _, want := range []string{"the system has ended by itself (exit status 5): out of licences", "command stop (true): it left processes behind, which were ended"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, progress)
		}
	}
	child, err := os.ReadFile(v.path("child"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat"); err == nil && !strings.Contains(string(b), ") Z ") {
		t.Errorf("it goes on: %s", b)
	}
}

// An adapter that goes wrong in the middle of a check leaves no verdict behind.
func TestAdaptersThatDoNotBehave(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body, want string }{
		{"prints garbage", `echo 'Listening on 7'`, "is no message"},
		{"dies", `exit 1`, "ended by itself (exit status 1)"},
		{"hangs", `sleep 300`, "it hangs"},
		{"crashes", `kill -SEGV $$`, "segmentation fault"},
		{"answers twice", `echo '{"id":2}'`, "answered request 2 twice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := vendor{dir: t.TempDir()}
			v.write(t, "adapter.sh", `
				read line; echo '{"id":1,"result":{"protocol":1,"name":"x","roles":["pe"],"operations":["start-element"]}}'
				read line; echo '{"id":2}'; `+row.body+"\nread line\n")
			v.write(t, "sut.yaml", "version: 1\nname: x\nroles: [pe]\ntimers: {response: 1s, removal: 1s}\nadapter: {command: [sh, adapter.sh], timeout: 1s}\n")
			out := v.path("report")
			code, _, stderr := rspthreat(t.Context(), "run", "-q", "--sut", v.path("sut.yaml"), "--out", out, "--requirement", "T2.6-R1")
			if code != reports.ExitUnreachable {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			found := false
			for _, r := range results(t, out).Results {
				if r.Role != "pe" {
					continue
				}
				found = true
				if r.Verdict != reports.Inconclusive || !strings.Contains(r.Reason, row.want) {
					t.Errorf("%s: %s, want it to say %q", r.Verdict, r.Reason, row.want)
				}
			}
			if !found {
				t.Error("no result")
			}
		})
	}
}

// No secret of the vendor's is in anything that is written, or among the arguments of a process.
func TestSecretsReachNothingThatIsWritten(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	defer v.start(t)()
	const token = "s3cr3t-t0ken"
	key := strings.Repeat("31", 32)
	b, err := os.ReadFile(v.path("sut.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// A system that logs its keys, and commands with a secret among their words.
	v.write(t, "sut.yaml", string(b)+fmt.Sprintf("commands: {reset: [sh, processes.sh, --token=%s], log: [cat, keys.psk]}\n", token))
	v.write(t, "processes.sh", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >>processes 2>/dev/null || true\n")
	out := v.path("report")
	code, stdout, stderr := rspthreat(t.Context(), "run", "--sut", v.path("sut.yaml"), "--out", out)
	if code != reports.ExitConforms {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	written := map[string]string{"standard output": stdout, "standard error": stderr}
	err = filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		written[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	processes, err := os.ReadFile(v.path("processes"))
	if err != nil || !strings.Contains(string(processes), "processes.sh") {
		t.Fatalf("the list of processes: %v", err)
	}
	if strings.Contains(string(processes), key) {
		t.Error("a key is in the list of processes")
	}
	logged := false
	for name, text := range written {
		for _, secret := range []string{token, key, strings.Repeat("1", 32)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", name)
			}
		}
		logged = logged || strings.Contains(text, "pe-alice:[redacted]")
	}
	if !logged {
		t.Error("the log, with its keys taken out, is not there")
	}
}
