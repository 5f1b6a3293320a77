// SPDX-License-Identifier: Apache-2.0

//go:build interop

package guest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newProgram is this binary as a program of its own, in a namespace of its own.
func newProgram(ctx context.Context, args ...string) *exec.Cmd {
	program := os.Getenv(agentEnv)
	if program == "" {
		program = "/proc/self/exe"
		if self, err := os.Executable(); err == nil {
			program = self
		}
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"guest"}, args...)...)
	cmd.Env = append(os.Environ(), "RSPTHREAT_NETNS=", "PROGRAM="+program)
	return cmd
}

func TestCommandRunsBesideTheGuest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd := newProgram(ctx, "run", "--dir", dir, "--", "sh", "-e", "-c", `
		"$PROGRAM" guest ready
		"$PROGRAM" guest reset
		"$PROGRAM" guest settle
		"$PROGRAM" guest log
		"$PROGRAM" guest exec -- uname -r
		"$PROGRAM" guest stop
		if "$PROGRAM" guest ready; then echo ready without registrar; fi
		"$PROGRAM" guest start
		"$PROGRAM" guest exec -- false || echo failed
		ip -brief address
		exit 7`)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("%v, want the command's exit status 7; said %s", err, stderr.String())
	}
	for _, want := range []string{"The registrar is ready!", "6.1.", "failed", "10.132.1.1/24"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("output lacks %q", want)
		}
	}
	if t.Failed() || strings.Contains(stdout.String(), "ready without registrar") {
		t.Errorf("output: %s\nerror output: %s", stdout.String(), stderr.String())
	}
	if logs, _ := filepath.Glob(dir + "/*/registrar-*.err"); len(logs) != 3 {
		t.Errorf("logs %v, want one for each of three starts", logs)
	}
}

func TestKilledProgramLeavesNoGuest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	cmd := newProgram(ctx, "run", "--dir", dir, "--", "sh", "-c", "echo up; exec sleep 1000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if len(processes(t, "uml_dir="+dir)) == 0 {
		t.Error("this test does not see the guest's processes")
	}
	began := time.Now()
	if err := errors.Join(cmd.Process.Kill(), cmd.Wait()); err == nil {
		t.Error("a killed program ended well")
	}
	poll(ctx, t, "the end of the guest", func() bool { return len(processes(t, "uml_dir="+dir)) == 0 })
	t.Logf("gone after %v", time.Since(began))
}

func TestInterruptEndsCommandAndGuest(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	cmd := newProgram(ctx, "run", "--", "sh", "-c", `trap 'echo told; exit' TERM; trap : INT; echo up; while :; do sleep 0.1; done`)
	cmd.Env = append(cmd.Env, "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the whole foreground process group
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("up\n"))); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil || string(rest) != "told\n" {
		t.Errorf("the command said %q, %v after the interrupt", rest, err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted program ended well")
	}
	poll(ctx, t, "the end of the guest", func() bool { return len(processes(t, "uml_dir="+dir)) == 0 })
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
