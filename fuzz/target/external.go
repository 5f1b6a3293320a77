// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/rspthreat/rspthreat/fuzz/link"
	"github.com/rspthreat/rspthreat/fuzz/monitor"
	"github.com/rspthreat/rspthreat/sut"
)

// External is a system that a configuration file describes, or any other target of package sut.
type External struct {
	Target sut.Target
	// PID is how the process is found on this machine: the name of a file with its process ID, or
	// with "!" before it a command that prints it. "" when it cannot be seen.
	PID string

	instance *sut.Instance
	process  *observed
	started  bool
}

// Start prepares the system. The reset command gives a fresh one; without it, the stop and start
// commands do when it is called again.
func (e *External) Start(ctx context.Context) (*link.System, error) {
	if err := e.end(ctx); err != nil {
		return nil, err
	}
	if e.started && !e.resets() {
		if err := e.Target.Close(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", sut.ErrUnreachable, err)
		}
	}
	i, err := e.Target.Prepare(ctx, sut.Wanted{Security: e.Target.Security()})
	if err != nil {
		return nil, err
	}
	pid, err := e.pid()
	if err != nil && !e.started { // later the file may be that of a process that has just died
		return nil, errors.Join(fmt.Errorf("the process of the system is not found by --pid %q: %w", e.PID, err), i.Close(ctx))
	}
	e.started, e.instance = true, i
	e.process = &observed{log: i.Log, pid: pid}
	return link.FromInstance(i), nil
}

func (e *External) resets() bool {
	x, external := e.Target.(*sut.External)
	return !external || len(x.Config().Commands.Reset) > 0
}

// Restarts tells whether there are commands for it.
func (e *External) Restarts() bool { return e.Target.Rung() > 0 }

// Process returns what can be seen of the process.
func (e *External) Process() monitor.Process {
	if e.process == nil {
		return nil
	}
	return e.process
}

// Close ends the instance and the target.
func (e *External) Close(ctx context.Context) error {
	return errors.Join(e.end(ctx), e.Target.Close(ctx))
}

func (e *External) end(ctx context.Context) error {
	if e.instance == nil {
		return nil
	}
	err := e.instance.Close(ctx)
	e.instance, e.process = nil, nil
	return err
}

// pid finds the process; 0 when nobody has said how.
func (e *External) pid() (int, error) {
	var text []byte
	var err error
	switch command, ok := strings.CutPrefix(e.PID, "!"); {
	case e.PID == "":
		return 0, nil
	case ok:
		words := strings.Fields(command)
		if len(words) == 0 {
			return 0, errNoCommand
		}
		text, err = exec.Command(words[0], words[1:]...).Output()
	default:
		text, err = os.ReadFile(e.PID)
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// errNoCommand says that nothing follows the exclamation mark.
var errNoCommand = errors.New("no command behind the exclamation mark")

// observed is a process that somebody else has started.
type observed struct {
	log func() []string
	pid int
}

// Exited tells whether the process is gone.
func (o *observed) Exited() (string, bool) {
	if o.pid <= 0 || syscall.Kill(o.pid, 0) == nil || errors.Is(syscall.Kill(o.pid, 0), syscall.EPERM) {
		return "", false
	}
	return "the process is gone", true
}

// Memory returns its resident memory.
func (o *observed) Memory() (int64, bool) {
	if o.pid <= 0 {
		return 0, false
	}
	return monitor.Resident(o.pid)
}

// Output returns the log of the system.
func (o *observed) Output() []string {
	if o.log == nil {
		return nil
	}
	return o.log()
}
