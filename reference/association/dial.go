// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// Dialer sets up associations. It may be used by several goroutines at once.
type Dialer struct {
	Transport Transport
	// Local is the address to dial from; the zero Addr leaves the choice to the
	// kernel. LocalPort is the TCP or SCTP port, 0 any free one. On TCP it cannot be a
	// port that is listened on at Local.
	Local     netip.Addr
	LocalPort uint16
	// Stack carries SCTP associations. With nil each gets a private one (for
	// SCTPUDP on an ephemeral UDP port) that is closed with the association. A
	// Stack of SCTPKernel says what Local says, if that does not.
	Stack *Stack
	// UDPPort is the peer's encapsulation port, 0 for EncapsulationPort.
	UDPPort uint16
	// TLS secures the association; nil leaves it in clear. For SCTP each Dial
	// builds a new engine unless its Messages is set.
	TLS *tlspsk.Config
	// PPID is the payload protocol identifier of messages that name none:
	// 11 for ASAP, 12 for ENRP.
	PPID   uint32
	Limits Limits
	// Tap records this association. Give a Tap to the Stack or to the Dialer,
	// not to both.
	Tap Tap
	// Wrap, if set, gets the transport and returns what is used in its place: it
	// sees and may alter the octets or messages on the wire, below TLS.
	Wrap func(net.Conn) net.Conn
	// Liveness is the time after which a peer that gives no sign of life is given
	// up: TCP keep-alives and TCP_USER_TIMEOUT (whole seconds, at least 3), SCTP
	// HEARTBEATs (on SCTPKernel at least 3 seconds; unacknowledged data end an
	// association after half the time). 0 is DefaultLiveness, NoLiveness is never.
	Liveness time.Duration
}

// Dial sets up an association with remote, until ctx or Limits.HandshakeTimeout
// ends, and runs the TLS handshake if there is to be one. Errors are those of the
// network, ErrAborted when nobody listens there, ErrNotPermitted, ErrNoKernelSCTP,
// ErrTooMany, ErrTransport, or those of TLS.
func (d *Dialer) Dial(ctx context.Context, remote netip.AddrPort) (Association, error) {
	limits := d.Limits.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, limits.HandshakeTimeout)
	defer cancel()
	var t transport
	var err error
	switch {
	case d.Transport == TCP:
		t, err = d.dialTCP(ctx, remote)
	case d.Transport == SCTPKernel:
		t, err = d.dialKernel(ctx, remote)
	case d.Transport.IsSCTP():
		t, err = d.dialSCTP(ctx, remote)
	default:
		err = fmt.Errorf("%w: dial %q", ErrTransport, d.Transport)
	}
	if err != nil {
		return nil, err
	}
	s := setup{
		tls: tlsConfig(d.TLS, d.Transport.IsSCTP()), begin: tlspsk.Client,
		ppid: d.PPID, limits: limits, wrap: d.Wrap,
	}
	a, err := s.build(ctx, t)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// dialTCP connects.
func (d *Dialer) dialTCP(ctx context.Context, remote netip.AddrPort) (transport, error) {
	var n net.Dialer
	if d.Local.IsValid() || d.LocalPort != 0 {
		n.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(d.Local, d.LocalPort))
	}
	c, err := n.DialContext(ctx, "tcp", remote.String())
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return nil, fmt.Errorf("association: %w: %w", ErrAborted, err)
	case err != nil:
		return nil, fmt.Errorf("association: %w", err)
	}
	t, err := newTCP(c.(*net.TCPConn), d.Tap, d.Liveness, true)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return t, nil
}
