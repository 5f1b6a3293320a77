// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// ListenConfig says where and how to take associations.
type ListenConfig struct {
	Transport Transport
	// Addr is the address and the TCP or SCTP port. For SCTP only the port
	// counts, the address is that of the Stack; port 0 takes a free one.
	Addr netip.AddrPort
	// Stack is required for SCTP in user space. Closing the listener does not close
	// it. SCTPKernel without one takes the address of Addr.
	Stack *Stack
	// TLS, PPID, Tap, Wrap and Liveness are as in Dialer.
	TLS      *tlspsk.Config
	PPID     uint32
	Limits   Limits
	Tap      Tap
	Wrap     func(net.Conn) net.Conn
	Liveness time.Duration
	// OnHandshakeError, if set, is told of every peer that did not get as far as
	// Accept. It is called from several goroutines at once and must not block.
	OnHandshakeError func(remote netip.AddrPort, err error)
}

// Listener takes associations.
type Listener interface {
	// Accept returns the next association whose handshakes are done. Handshakes
	// run beside it: a slow or failed one holds up nobody else.
	Accept(ctx context.Context) (Association, error)
	// Addr returns the address and the TCP or SCTP port.
	Addr() netip.AddrPort
	// Close ends the handshakes under way and aborts what nobody accepted. The
	// associations returned by Accept go on.
	Close() error
}

// Listen begins to take associations. ctx bounds opening the socket only.
func Listen(ctx context.Context, c ListenConfig) (Listener, error) {
	c.Limits = c.Limits.withDefaults()
	c.TLS = tlsConfig(c.TLS, c.Transport.IsSCTP())
	if c.TLS != nil && c.TLS.Lookup == nil && c.TLS.Certificates == nil {
		return nil, fmt.Errorf("association: listen %v: %w", c.Addr, tlspsk.ErrConfig)
	}
	l := newListener(c)
	var err error
	switch {
	case c.Transport == TCP:
		err = l.listenTCP(ctx)
	case c.Transport == SCTPKernel && (c.Stack == nil || c.Stack.transport == SCTPKernel):
		err = l.listenKernel()
	case c.Transport.IsSCTP() && c.Stack != nil && c.Stack.transport == c.Transport:
		err = l.listenSCTP()
	default:
		err = fmt.Errorf("%w: listen on %q without a stack of it", ErrTransport, c.Transport)
	}
	if err != nil {
		l.cancel()
		return nil, fmt.Errorf("association: listen %v: %w", c.Addr, err)
	}
	return l, nil
}
