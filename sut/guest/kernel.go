// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// guestMemory is enough for the agent, a few registrars and a Go test binary; the machine gives only what is used.
	guestMemory = 256 << 20
	// powerOffTimeout is for the agent to kill its processes and power off: 50 ms when the machine is idle.
	powerOffTimeout = 5 * time.Second
	// consoleFile, in Guest.Dir, is what the guest's kernel and agent print.
	consoleFile = "console.log"
	// sharedMemory is where the guest's memory is kept when it has room: a file elsewhere would be written to disk.
	sharedMemory = "/dev/shm"
)

// Descriptors that the kernel process inherits, in the order of exec.Cmd.ExtraFiles.
const (
	serialFD = 3 + iota
	networkFD
)

// kernel is one user-mode Linux process with its children.
type kernel struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has been waited for
}

// startKernel boots a guest whose serial line and network are the given sockets.
func startKernel(img *Image, dir string, serial, network *os.File) (*kernel, error) {
	console, err := os.Create(filepath.Join(dir, consoleFile))
	if err != nil {
		return nil, err
	}
	defer console.Close() // the kernel process has its own descriptor
	k := &kernel{cmd: exec.Command(img.path(kernelPath), kernelArgs(img, dir)...), done: make(chan struct{})}
	k.cmd.Env = []string{"TMPDIR=" + memoryDir()}
	k.cmd.Stdout, k.cmd.Stderr = console, console
	k.cmd.ExtraFiles = []*os.File{serialFD - 3: serial, networkFD - 3: network}
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this process, which then ends the guest
	if err := k.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = k.cmd.Wait() // how it ended is on the console
		close(k.done)
	}()
	return k, nil
}

func kernelArgs(img *Image, dir string) []string {
	args := []string{
		"mem=" + strconv.Itoa(guestMemory>>20) + "M",
		"nohz=off", // when idle it can miss an interrupt; it then waits for a tick, 10 ms, and not for seconds
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
		"init=" + img.agent,
		"con0=null,fd:1", "con=null", "ssl0=fd:" + strconv.Itoa(serialFD), "ssl=null",
		"vec0:transport=fd,fd=" + strconv.Itoa(networkFD),
		"uml_dir=" + dir, "umid=uml",
		"--",
	}
	return append(args, agentArgs...)
}

// socketPair makes two connected sockets, one for this process and one for the guest's kernel.
func socketPair(kind int) (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "guest's end")
	ours := os.NewFile(uintptr(fds[0]), "this end")
	conn, err := net.FileConn(ours) // has its own descriptor
	if err = errors.Join(err, ours.Close()); err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return conn, theirs, nil
}

// memoryDir is where the kernel makes the (unlinked, sparse) file that is the guest's memory.
func memoryDir() string {
	var st unix.Statfs_t
	if err := unix.Statfs(sharedMemory, &st); err == nil && st.Type == unix.TMPFS_MAGIC &&
		st.Bavail*uint64(st.Bsize) > guestMemory {
		return sharedMemory
	}
	return os.TempDir()
}

// stop waits for a guest that was told to power off, and kills it when it does not within grace. Nothing of it is left
// to run when stop returns.
func (k *kernel) stop(grace time.Duration) error {
	limit := time.NewTimer(grace)
	defer limit.Stop()
	var failed error
	select {
	case <-k.done:
	case <-limit.C:
		if grace > 0 {
			failed = fmt.Errorf("guest: not powered off within %v, killed", grace)
		}
	}
	// The kernel's helpers and the guest's processes are in its process group. After a power-off there is none.
	err := syscall.Kill(-k.cmd.Process.Pid, syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		failed = errors.Join(failed, fmt.Errorf("guest: process group %d: %w", k.cmd.Process.Pid, err))
	}
	<-k.done
	return failed
}
