// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrExit says that a command in the guest ended with another status than 0.
var ErrExit = errors.New("guest: command failed")

// killTimeout is how long a killed process may take to be gone; the kernel needs milliseconds.
const killTimeout = 5 * time.Second

// Process is a command that runs in the guest.
type Process struct {
	control *channel
	call    *call
	argv    []string
	output  string // path without suffix
}

// Spawn starts a command in the guest, found in the unpacked packages or else on this machine, as root, with the
// environment of the guest. It runs until it ends, is stopped, or the guest ends.
func (g *Guest) Spawn(ctx context.Context, argv ...string) (*Process, error) {
	return spawn(ctx, g.control, g.outputName("command"), argv, false)
}

// Exec runs a command in the guest and returns its standard output. When ctx is done first the command is killed; when
// it fails the error is ErrExit with the end of its standard error.
func (g *Guest) Exec(ctx context.Context, argv ...string) (string, error) {
	p, err := g.Spawn(ctx, argv...)
	if err != nil {
		return "", err
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		return "", errors.Join(fmt.Errorf("guest: %s: %w", p, context.Cause(ctx)), p.Kill())
	}
	out, err := p.Stdout()
	return out, errors.Join(p.Err(), err, os.Remove(p.stdoutFile()), os.Remove(p.stderrFile()))
}

// Listening waits until p listens on SCTP at all of the endpoints, or has ended.
func (g *Guest) Listening(ctx context.Context, p *Process, endpoints ...netip.AddrPort) error {
	r := request{Op: opAwait, Timeout: registrarTimeout, Watch: []uint64{p.call.id}}
	for _, e := range endpoints {
		r.Endpoints = append(r.Endpoints, e.String())
	}
	if err := g.control.do(ctx, r); err != nil {
		return fmt.Errorf("guest: %s: %w: %s", p, err, strings.TrimSpace(tail(p.stdoutFile())+tail(p.stderrFile())))
	}
	return nil
}

func (g *Guest) outputName(kind string) string {
	return filepath.Join(g.dir, fmt.Sprintf("%s-%d", kind, g.outputs.Add(1)))
}

// spawn starts a command whose output goes to the files output.out and output.err.
func spawn(ctx context.Context, control *channel, output string, argv []string, input bool) (*Process, error) {
	p := &Process{control: control, argv: argv, output: output}
	k, err := control.send(request{Op: opRun, Argv: argv, Stdout: p.stdoutFile(), Stderr: p.stderrFile(), Input: input})
	if err != nil {
		return nil, err
	}
	p.call = k
	select {
	case <-k.started:
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("guest: %s: %w", p, context.Cause(ctx)), p.Kill())
	}
	select {
	case <-k.done:
		if err := k.result(); err != nil {
			return nil, fmt.Errorf("%w (%s)", err, p)
		}
	default:
	}
	return p, nil
}

// String is the command line.
func (p *Process) String() string { return strings.Join(p.argv, " ") }

func (p *Process) stdoutFile() string { return p.output + ".out" }
func (p *Process) stderrFile() string { return p.output + ".err" }

// Stdout is what the command has written to its standard output so far.
func (p *Process) Stdout() (string, error) {
	b, err := os.ReadFile(p.stdoutFile())
	return string(b), err
}

// Stderr is what the command has written to its standard error so far.
func (p *Process) Stderr() (string, error) {
	b, err := os.ReadFile(p.stderrFile())
	return string(b), err
}

// Done is closed when the command has ended.
func (p *Process) Done() <-chan struct{} { return p.call.done }

// Err is how the command ended, valid after Done: nil for exit status 0, ErrExit, or ErrEnded when the guest went first.
func (p *Process) Err() error {
	if err := p.call.result(); err != nil {
		return err
	}
	if p.call.last.Exit != "" {
		return fmt.Errorf("%w: %s: %s: %s", ErrExit, p, p.call.last.Exit, strings.TrimSpace(tail(p.stderrFile())))
	}
	return nil
}

// Signal signals the command and its children; nothing happens when it has ended.
func (p *Process) Signal(ctx context.Context, s syscall.Signal) error {
	return p.control.do(ctx, request{Op: opSignal, Target: p.call.id, Signal: int(s)})
}

// Kill kills the command and its children, and waits until it is gone. The command's SCTP associations are aborted, so
// that its ports are free at once. It is no error when it or the guest is gone already.
func (p *Process) Kill() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	if err := p.Signal(ctx, syscall.SIGKILL); err != nil && !errors.Is(err, ErrEnded) {
		return err
	}
	select {
	case <-p.call.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("guest: %s: not gone %v after it was killed", p, killTimeout)
	}
}
