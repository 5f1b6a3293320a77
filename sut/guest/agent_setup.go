// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	serialLine     = "/dev/ttyS0" // ssl0 on the kernel command line
	guestInterface = "vec0"
	// sctpUDPPort is the port of RFC 6951; with it the guest's kernel speaks SCTP over UDP beside plain SCTP.
	sctpUDPPort = "9899"
)

// prepareGuest does what must be there before the host can be heard: the file systems and the serial line.
func prepareGuest() (*os.File, error) {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/run"}} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return nil, fmt.Errorf("guest agent: mount %s: %w", m[1], err)
		}
	}
	line, err := os.OpenFile(serialLine, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("guest agent: %w", err)
	}
	if err := makeRaw(line); err != nil {
		return nil, fmt.Errorf("guest agent: %s: %w", serialLine, err)
	}
	return line, nil
}

// makeRaw turns echo, line editing and flow control characters off, and hang-up on the last close.
func makeRaw(line *os.File) error {
	raw, err := line.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			failed = err
			return
		}
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cflag = unix.CS8 | unix.CREAD | unix.B38400
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
	})
	return errors.Join(err, failed)
}

// setUpGuest makes the writable directory, the network and SCTP.
func setUpGuest(ctx context.Context, s *setup) error {
	if err := unix.Mount("none", s.Dir, "hostfs", 0, s.Dir); err != nil {
		return fmt.Errorf("mount %s: %w", s.Dir, err)
	}
	for _, kv := range s.Env {
		name, value, _ := strings.Cut(kv, "=")
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("environment %q: %w", kv, err)
		}
	}
	// listen() on SCTP makes the kernel ask for hmac(md5) by itself; without this it fails with ENOSYS.
	if err := os.WriteFile("/proc/sys/kernel/modprobe", []byte(s.Modprobe), 0); err != nil {
		return err
	}
	for _, argv := range setupCommands(s) {
		if out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
		}
	}
	return os.WriteFile("/proc/sys/net/sctp/udp_port", []byte(sctpUDPPort), 0)
}

func setupCommands(s *setup) [][]string {
	list := [][]string{
		{s.Modprobe, "sctp"}, // brings IPv6, which must be there before it can be kept quiet
		{s.Modprobe, "sctp_diag"},
		{"ip", "link", "set", "lo", "up"},
	}
	for _, a := range s.Addrs {
		list = append(list, []string{"ip", "address", "add", a, "dev", guestInterface})
	}
	return append(list,
		[]string{"ip", "link", "set", guestInterface, "addrgenmode", "none", "multicast", "on", "up"},
		[]string{"ip", "route", "add", "default", "via", s.Gateway}) // for multicast
}
