// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// group is a program of the vendor's that the harness has started, as the leader of a
// process group of its own. Nothing else is ever signalled: a process that moves to another
// group is the vendor's to end.
//
// A leader that has ended is reaped by end only. Until then no other process or group gets
// its number, so that what is signalled is what was started.
type group struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the leader has ended
	status error         // what it has ended with, an exitStatus; valid after exited
}

// exitStatus is what a program ended with, other than exit status 0.
type exitStatus struct {
	code   int // exit status
	signal syscall.Signal
}

func (e exitStatus) Error() string {
	if e.signal != 0 {
		return "signal: " + e.signal.String()
	}
	return "exit status " + strconv.Itoa(e.code)
}

// startGroup starts a program; "rspthreat" is this one. The files are closed by their owner.
func startGroup(dir string, argv []string, stdin, stdout, stderr *os.File) (*group, error) {
	program := argv[0]
	if program == "rspthreat" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(program, argv[1:]...)
	cmd.Dir = dir
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g := &group{cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(g.exited)
		g.status = await(cmd.Process.Pid)
	}()
	return g, nil
}

// await waits until a child has ended, without reaping it.
func await(pid int) error {
	var info unix.Siginfo
	for {
		switch err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err {
		case nil:
		case unix.EINTR:
			continue
		default:
			return fmt.Errorf("wait: %w", err)
		}
		break
	}
	// siginfo_t of SIGCHLD: signo, errno, code, then aligned as a pointer pid, uid, status.
	const codeAt, exited = 8, 1 // CLD_EXITED
	statusAt := 8 + 2*unsafe.Sizeof(uintptr(0))
	if unsafe.Sizeof(uintptr(0)) == 4 {
		statusAt = 20
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
	status := int(int32(binary.NativeEndian.Uint32(b[statusAt:])))
	switch {
	case binary.NativeEndian.Uint32(b[codeAt:]) != exited:
		return exitStatus{code: -1, signal: syscall.Signal(status)}
	case status != 0:
		return exitStatus{code: status}
	}
	return nil
}

// wait waits until the leader has ended or ctx has.
func (g *group) wait(ctx context.Context) error {
	select {
	case <-g.exited:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alive tells whether the leader runs.
func (g *group) alive() bool {
	select {
	case <-g.exited:
		return false
	default:
		return true
	}
}

// signal signals the whole group; that nobody is left is no error.
func (g *group) signal(s syscall.Signal) { _ = syscall.Kill(-g.cmd.Process.Pid, s) }

// others tells whether the group has processes beside its leader.
func (g *group) others() bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	leader := strconv.Itoa(g.cmd.Process.Pid)
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name in parentheses may hold anything; state, parent and group follow it.
		name := bytes.LastIndexByte(b, ')')
		if name < 0 {
			continue
		}
		fields := bytes.Fields(b[name+1:])
		if len(fields) > 2 && string(fields[2]) == leader && string(fields[0]) != "Z" && filepath.Base(filepath.Dir(path)) != leader {
			return true
		}
	}
	return false
}

// groupPoll is how often it is looked whether a group has ended: processes that are not our
// children tell nobody.
const groupPoll = 10 * time.Millisecond

// end ends the whole group: it is asked to (SIGTERM), has grace to do so, and is killed. It
// tells whether the leader had ended and left others behind. It is called once.
func (g *group) end(grace time.Duration) (left bool) {
	left = !g.alive() && g.others()
	if g.alive() || left {
		g.signal(syscall.SIGTERM)
		deadline := time.NewTimer(grace)
		defer deadline.Stop()
		tick := time.NewTicker(groupPoll)
		defer tick.Stop()
	waiting:
		for g.alive() || g.others() {
			select {
			case <-tick.C:
			case <-deadline.C:
				break waiting
			}
		}
	}
	g.signal(syscall.SIGKILL)
	<-g.exited
	_ = g.cmd.Wait() // its status is known
	return left
}
