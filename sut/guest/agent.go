// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNotAgent says that RunAgent was called outside a guest.
var ErrNotAgent = errors.New("guest: the agent runs as the first process of a guest only")

// agentArgs are the arguments that make a program the agent. The kernel may add words of its own after them.
var agentArgs = []string{"guest", "agent"}

// IsAgent reports whether this process is the first process of a guest, so that the program should call RunAgent and
// nothing else.
func IsAgent() bool {
	return os.Getpid() == 1 && len(os.Args) > len(agentArgs) && slices.Equal(os.Args[1:1+len(agentArgs)], agentArgs)
}

// RunAgent is the guest's side of this package. It serves the host over the serial line until the host goes, and then
// powers the guest off; it returns only when it could not do so.
func RunAgent() error {
	if !IsAgent() {
		return ErrNotAgent
	}
	line, err := prepareGuest()
	if err == nil {
		a := &agent{setup: setUpGuest}
		err = a.serve(line)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err) // the console, which the host keeps
	}
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// agent carries out the host's requests.
type agent struct {
	setup func(context.Context, *setup) error

	mu        sync.Mutex // guards out and processes
	out       *json.Encoder
	processes map[uint64]*os.Process
	inputs    map[uint64]io.WriteCloser
	tasks     sync.WaitGroup
}

// serve answers requests until the host's end closes, then kills every process it started and waits for them.
func (a *agent) serve(line io.ReadWriter) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer func() {
		cancel()
		a.killAll()
		a.tasks.Wait()
	}()
	a.out, a.processes = json.NewEncoder(line), make(map[uint64]*os.Process)
	a.inputs = make(map[uint64]io.WriteCloser)
	a.send(event{Kind: eventReady})
	lines := bufio.NewScanner(line)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("guest agent: request %.100q: %w", lines.Text(), err)
		}
		a.handle(ctx, r)
	}
	return lines.Err()
}

// handle starts the work on one request. Only opRun touches a.processes for its ID, and it does so before the next
// request is read, so that a signal sent after it always finds the process.
func (a *agent) handle(ctx context.Context, r request) {
	switch r.Op {
	case opRun:
		cmd, input, err := startProcess(r)
		if err != nil {
			a.finish(r.ID, err, "")
			return
		}
		a.mu.Lock()
		a.processes[r.ID] = cmd.Process
		if input != nil {
			a.inputs[r.ID] = input
		}
		a.mu.Unlock()
		a.send(event{ID: r.ID, Kind: eventStarted})
		a.tasks.Go(func() { a.reap(r.ID, cmd) })
	case opSignal:
		a.finish(r.ID, a.signal(r.Target, syscall.Signal(r.Signal)), "")
	case opInput: // who does not read holds nobody else up
		a.tasks.Go(func() { a.finish(r.ID, a.input(r.Target, r.Data), "") })
	case opSetup:
		a.finish(r.ID, a.setup(ctx, r.Setup), "")
	case opAwait:
		a.tasks.Go(func() { a.finish(r.ID, a.await(ctx, r), "") })
	default:
		a.finish(r.ID, fmt.Errorf("unknown request %q", r.Op), "")
	}
}

// await returns when every wanted endpoint listens.
func (a *agent) await(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	return awaitEndpoints(ctx, endpointsFile, r.Endpoints, func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, id := range r.Watch {
			if _, ok := a.processes[id]; !ok {
				return errors.New("the process ended")
			}
		}
		return nil
	})
}

// startProcess starts a process in its own process group, its output going to files.
func startProcess(r request) (*exec.Cmd, io.WriteCloser, error) {
	if len(r.Argv) == 0 {
		return nil, nil, errors.New("run: no command")
	}
	stdout, err := os.Create(r.Stdout)
	if err != nil {
		return nil, nil, err
	}
	defer stdout.Close() // the child has its own descriptor
	stderr, err := os.Create(r.Stderr)
	if err != nil {
		return nil, nil, err
	}
	defer stderr.Close() // as above
	cmd := exec.Command(r.Argv[0], r.Argv[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var input io.WriteCloser
	if r.Input {
		if input, err = cmd.StdinPipe(); err != nil {
			return nil, nil, err
		}
	}
	return cmd, input, cmd.Start()
}

// input writes to a process, or ends its input. One that has ended gets nothing.
func (a *agent) input(id uint64, data []byte) error {
	a.mu.Lock()
	to := a.inputs[id]
	if len(data) == 0 {
		delete(a.inputs, id)
	}
	a.mu.Unlock()
	switch {
	case to == nil:
		return nil
	case len(data) == 0:
		return to.Close()
	}
	_, err := to.Write(data)
	return err
}

// reap waits for a process and reports how it ended.
func (a *agent) reap(id uint64, cmd *exec.Cmd) {
	err := cmd.Wait()
	a.mu.Lock()
	delete(a.processes, id)
	delete(a.inputs, id) // Wait has closed it
	a.mu.Unlock()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		a.finish(id, nil, exit.Error())
		return
	}
	a.finish(id, err, "")
}

// signal reaches the whole process group: a shell's children too. A killed process aborts its associations.
func (a *agent) signal(id uint64, s syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.processes[id]
	if !ok {
		return nil // it has ended by itself, which is what a signal is sent for
	}
	var err error
	if s == syscall.SIGKILL {
		err = abortOnClose(p.Pid)
	}
	return errors.Join(err, syscall.Kill(-p.Pid, s))
}

func (a *agent) killAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.processes {
		_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // may have ended in the meantime
	}
}

func (a *agent) finish(id uint64, err error, exit string) {
	e := event{ID: id, Kind: eventDone, Exit: exit}
	if err != nil {
		e.Error = err.Error()
	}
	a.send(e)
}

func (a *agent) send(e event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.out.Encode(e) // fails only when the host is gone, which ends serve as well
}
