// SPDX-License-Identifier: Apache-2.0

//go:build group

package group

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// roleEnv has the test binary be something else than the test: hosts of elements, or an
// observer. It reads what it is asked, and answers, in lines of JSON.
const roleEnv = "RSPTHREAT_GROUP_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(m.Run())
	case "elements":
		err = elements(os.Stdin, os.Stdout)
	case "observer":
		err = observer(os.Stdin, os.Stdout)
	default:
		err = fmt.Errorf("%s=%s", roleEnv, role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process is a child in the namespace of a host.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	log  *logFile
	in   *json.Encoder // of a role
	out  *json.Decoder
}

// logFile keeps what a process says on stderr, for a test that fails.
type logFile struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// tail returns the last lines.
func (l *logFile) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(l.buf.Bytes()), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}

// said waits until the process has said something.
func (p *process) said(text string) {
	p.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(settled); !strings.Contains(p.log.tail(1000), text); <-tick.C {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not say %q", p.name, text)
		}
	}
}

// start runs a command in the namespace. It does not outlive the test.
func (h *host) start(name string, cmd *exec.Cmd) *process {
	h.n.t.Helper()
	p := &process{t: h.n.t, name: name, cmd: cmd, log: &logFile{}}
	cmd.Stderr = p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // with the thread of the namespace
	if err := h.do(cmd.Start); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	p.t.Cleanup(func() {
		p.kill()
		if p.t.Failed() {
			p.t.Logf("%s said last:\n%s", name, p.log.tail(40))
		}
	})
	return p
}

// kill is kill -9. It may be called more than once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have been killed before
	_ = p.cmd.Wait()
}

// role runs the test binary as something else.
func (h *host) role(role string, arg any) *process {
	h.n.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	in, err := cmd.StdinPipe()
	if err != nil {
		h.n.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.n.t.Fatal(err)
	}
	p := h.start(h.name, cmd)
	p.in, p.out = json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))
	if err := p.in.Encode(arg); err != nil {
		h.n.t.Fatal(err)
	}
	return p
}

// ask sends a question and decodes the answer.
func (p *process) ask(question, answer any) {
	p.t.Helper()
	if err := p.in.Encode(question); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	if err := p.out.Decode(answer); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// build makes the command that administrators run.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rspthreat")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/rspthreat/rspthreat").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
