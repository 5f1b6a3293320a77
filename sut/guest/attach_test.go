// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// attachers are the two ways to a command with streams: directly, and by the control socket.
func attachers(t *testing.T, g *Guest) map[string]func(context.Context, Streams, ...string) error {
	t.Helper()
	c, err := g.Serve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return map[string]func(context.Context, Streams, ...string) error{
		"Attach": g.Attach,
		"Pipe": func(ctx context.Context, s Streams, argv ...string) error {
			return Pipe(ctx, c.Path(), s, argv...)
		},
	}
}

func TestAttachCarriesStreams(t *testing.T) {
	g, _ := newAgent(t)
	long := strings.Repeat("0123456789", 50_000)
	for name, attach := range attachers(t, g) {
		for _, c := range []struct {
			name, in, out, stderr, err string
			argv                       []string
		}{
			{name: "input", in: long, out: long, argv: []string{"cat"}},
			{name: "no input", argv: []string{"cat"}},
			{name: "both outputs", in: "x", out: "out\n", stderr: "err\n", argv: []string{"sh", "-c", "echo out; echo err >&2"}},
			{name: "status", out: "a", err: "exit status 3", argv: []string{"sh", "-c", "printf a; exit 3"}},
			{name: "input that nobody reads", in: long, argv: []string{"true"}},
			{name: "no such command", err: "not found", argv: []string{"no-such-command"}},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				var out, stderr bytes.Buffer
				err := attach(t.Context(), Streams{strings.NewReader(c.in), &out, &stderr}, c.argv...)
				if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				if out.String() != c.out || stderr.String() != c.stderr {
					t.Errorf("got %.50q (%d octets) and %q", out.String(), out.Len(), stderr.String())
				}
			})
		}
	}
	if left, _ := filepath.Glob(filepath.Join(g.dir, "command-*")); len(left) > 4 { // of those that never started
		t.Errorf("left %v", left)
	}
}

// A conversation: each answer comes before the next line goes in.
func TestAttachIsInteractive(t *testing.T) {
	g, _ := newAgent(t)
	for name, attach := range attachers(t, g) {
		t.Run(name, func(t *testing.T) {
			in, say := io.Pipe()
			hear, out := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- attach(t.Context(), Streams{in, out, io.Discard}, "sh", "-c", `while read x; do echo "$x $x"; done`)
				_ = out.Close()
			}()
			for _, word := range []string{"one", "two", "three"} {
				if _, err := io.WriteString(say, word+"\n"); err != nil {
					t.Fatal(err)
				}
				answer := make([]byte, 2*len(word)+2)
				if _, err := io.ReadFull(hear, answer); err != nil || string(answer) != word+" "+word+"\n" {
					t.Fatalf("%q, %v", answer, err)
				}
			}
			if err := say.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCancelledAttachKillsItsCommand(t *testing.T) {
	g, _ := newAgent(t)
	for name, attach := range attachers(t, g) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			silent, say := io.Pipe()
			defer say.Close()
			if err := attach(ctx, Streams{silent, io.Discard, io.Discard}, "sleep", "1000"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
	// newAgent's clean-up would hang if the agent still had a process.
}
