// SPDX-License-Identifier: Apache-2.0

package kernelsctp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	lib "github.com/ishidawataru/sctp"
	"golang.org/x/sys/unix"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

const (
	// flagEOF is SCTP_EOF of Linux, MSG_FIN; the library's is another number.
	flagEOF = 0x200
	// maxReason keeps an ABORT in one packet of any path.
	maxReason = 512
)

// WriteMessage sends one message; it waits until the kernel has room. When the
// write deadline passes before that, nothing was sent.
func (c *Conn) WriteMessage(m sctp.Message) error {
	if len(m.Payload) == 0 || len(m.Payload) > sctp.MaxMessage {
		return fmt.Errorf("%w: %d", sctp.ErrLength, len(m.Payload))
	}
	info := lib.SndRcvInfo{Stream: m.Stream, PPID: m.PPID, AssocID: c.id}
	var failed error
	err := c.raw.Write(func(fd uintptr) bool {
		for {
			// The kernel takes a message as a whole or not at all.
			_, failed = lib.NewSCTPConn(int(fd), nil).SCTPWrite(m.Payload, &info)
			if failed != unix.EINTR {
				return failed != unix.EAGAIN
			}
		}
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	case err != nil:
		return fmt.Errorf("sctp: write: %w", sctp.ErrClosed)
	case failed == unix.EINVAL:
		return fmt.Errorf("%w: %d", sctp.ErrStream, m.Stream)
	case failed != nil && isEnded(failed):
		return fmt.Errorf("sctp: write: %w: %w", sctp.ErrClosed, failed)
	case failed != nil:
		return fmt.Errorf("sctp: write: %w", explain(failed))
	}
	return nil
}

// Write sends b as one message on stream 0.
func (c *Conn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := c.WriteMessage(sctp.Message{Payload: b, PPID: c.options.PPID}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// isEnded reports whether the kernel says that there is no association any more,
// or that it is being shut down.
func isEnded(err error) bool {
	for _, e := range []error{unix.EPIPE, unix.ESHUTDOWN, unix.ENOTCONN, unix.ESRCH, sctp.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// sendFlag calls sendmsg with SCTP_EOF or SCTP_ABORT for an association. It never
// waits. The wrappers of packages syscall and unix would add an octet to a
// message that has none.
func sendFlag(fd int, id int32, flag uint16, data []byte) error {
	info, err := binary.Append(nil, binary.NativeEndian, lib.SndRcvInfo{Flags: flag, AssocID: id})
	if err != nil {
		return err
	}
	oob := make([]byte, unix.CmsgSpace(len(info)))
	head := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	head.Level, head.Type = unix.IPPROTO_SCTP, lib.SCTP_CMSG_SNDRCV
	head.SetLen(unix.CmsgLen(len(info)))
	copy(oob[unix.CmsgLen(0):], info)
	var message unix.Msghdr
	message.Control = &oob[0]
	message.SetControllen(len(oob))
	var vector unix.Iovec
	if len(data) > 0 {
		vector.Base = &data[0]
		vector.SetLen(len(data))
		message.Iov = &vector
		message.SetIovlen(1)
	}
	_, _, errno := unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), unix.MSG_NOSIGNAL)
	if errno != 0 {
		return errno
	}
	return nil
}
