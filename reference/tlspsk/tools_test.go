// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// tool returns the path of a program; without it there is no test.
func tool(t testing.TB, name, aptPackage string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: apt-get install %s", name, aptPackage)
	}
	return p
}

// process is a running program whose output can be waited for.
type process struct {
	in   io.WriteCloser
	mu   sync.Mutex
	out  strings.Builder
	more chan struct{} // closed and renewed with each line
	done chan struct{} // closed at the end of the output
}

// start runs a program until the end of the test.
func start(t testing.TB, path string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{in: in, more: make(chan struct{}), done: make(chan struct{})}
	go p.collect(r)
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		w.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		<-p.done
		if t.Failed() {
			t.Logf("%s %s:\n%s", path, strings.Join(args, " "), p.text())
		}
	})
	return p
}

// collect keeps the output as it comes; prompts have no line end, so it reads octets.
func (p *process) collect(r io.Reader) {
	defer close(p.done)
	b := bufio.NewReader(r)
	for {
		c, err := b.ReadByte()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.out.WriteByte(c)
		if c == '\n' || b.Buffered() == 0 {
			close(p.more)
			p.more = make(chan struct{})
		}
		p.mu.Unlock()
	}
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// await waits for s in the output and returns what follows it up to the line end.
func (p *process) await(t testing.TB, s string) string {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		p.mu.Lock()
		out, more := p.out.String(), p.more
		p.mu.Unlock()
		if _, rest, ok := strings.Cut(out, s); ok {
			if line, _, whole := strings.Cut(rest, "\n"); whole {
				return line
			}
		}
		select {
		case <-more:
		case <-p.done:
			if _, rest, ok := strings.Cut(p.text(), s); ok {
				line, _, _ := strings.Cut(rest, "\n")
				return line
			}
			t.Fatalf("the program ended without %q:\n%s", s, p.text())
		case <-deadline.C:
			t.Fatalf("no %q in the output:\n%s", s, p.text())
		}
	}
}

func (p *process) say(t testing.TB, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}
