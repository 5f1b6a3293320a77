// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// abortOnClose makes the end of a process abort its SCTP associations. By default the kernel sends SHUTDOWN, and keeps
// the port until every peer has answered or, with a silent peer, has been given up, which takes minutes: meanwhile a
// new registrar could not bind.
func abortOnClose(pid int) error {
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(process) // only a reference
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return err
	}
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		if err := lingerZero(process, fd); err != nil {
			return fmt.Errorf("process %d, descriptor %d: %w", pid, fd, err)
		}
	}
	return nil
}

// lingerZero sets SO_LINGER to zero on a descriptor of another process, if it is an SCTP socket.
func lingerZero(process, fd int) error {
	own, err := unix.PidfdGetfd(process, fd, 0)
	if errors.Is(err, unix.EBADF) || errors.Is(err, unix.ESRCH) {
		return nil // closed, or the process ended, in the meantime
	}
	if err != nil {
		return err
	}
	defer unix.Close(own) // the socket stays, it is the process's
	if protocol, err := unix.GetsockoptInt(own, unix.SOL_SOCKET, unix.SO_PROTOCOL); err != nil || protocol != unix.IPPROTO_SCTP {
		return nil // not a socket, or another kind
	}
	return unix.SetsockoptLinger(own, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
}
