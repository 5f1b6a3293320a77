// SPDX-License-Identifier: Apache-2.0

package association

import (
	"errors"
	"net"

	"github.com/rspthreat/rspthreat/reference/association/kernelsctp"
)

// Why an association ended, or why it could not do what was asked. They are
// wrapped; the text names the value or the peer's words.
var (
	// ErrAborted: the peer ended the association by ABORT or RST.
	ErrAborted = errors.New("aborted by the peer")
	// ErrClosed: this side ended it, by Close or Abort. It also is net.ErrClosed.
	ErrClosed error = closedError{}
	// ErrUnreachable: the peer gave no sign of life within Liveness.
	ErrUnreachable = errors.New("peer gives no sign of life")
	// ErrLength: a message whose Message Length is below 4 or above the limit.
	ErrLength = errors.New("message length out of range")
	// ErrStalled: the peer began a message and did not finish it in time.
	ErrStalled = errors.New("peer stalled within a message")
	// ErrEmpty: a message without octets, which SCTP cannot carry.
	ErrEmpty = errors.New("empty message")
	// ErrStream: a stream other than 0 where the transport or TLS has only one.
	ErrStream = errors.New("no such stream")
	// ErrTransport: a Transport or a combination of options that does not exist.
	ErrTransport = errors.New("unsupported transport")
	// ErrNotPermitted: the process may not open raw sockets (CAP_NET_RAW).
	ErrNotPermitted = errors.New("raw socket not permitted (CAP_NET_RAW)")
	// ErrNoKernelSCTP: SCTPKernel on a kernel that has no SCTP.
	ErrNoKernelSCTP = kernelsctp.ErrUnsupported
	// ErrTooMany: a limit on associations was reached.
	ErrTooMany = errors.New("too many associations")
)

// closedError is ErrClosed; it lets callers test for net.ErrClosed as well.
type closedError struct{}

func (closedError) Error() string        { return "association closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }
