// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// sctpConn is an SCTP association in user space or in the kernel.
type sctpConn interface {
	net.Conn
	ReadMessage() (sctp.Message, error)
	WriteMessage(m sctp.Message) error
	PeerAddrs() []netip.Addr
	Shutdown(ctx context.Context) error
	Abort(reason string)
	Err() error
}

// sctpTransport is an SCTP association, with its private stack if it has one.
type sctpTransport struct {
	sctpConn
	kind    Transport
	private *Stack
	once    sync.Once
}

func (t *sctpTransport) describe() Info {
	return Info{
		Transport: t.kind,
		Local:     t.LocalAddr().(sctp.Addr).AddrPort, Remote: t.RemoteAddr().(sctp.Addr).AddrPort,
		PeerAddrs: t.PeerAddrs(),
	}
}

// ReadMessage implements MessageConn.
func (t *sctpTransport) ReadMessage() (Message, error) {
	m, err := t.sctpConn.ReadMessage()
	return Message(m), err
}

// WriteMessage implements MessageConn.
func (t *sctpTransport) WriteMessage(m Message) error {
	return t.sctpConn.WriteMessage(sctp.Message(m))
}

func (t *sctpTransport) shutdown(ctx context.Context) error { return t.Shutdown(ctx) }

func (t *sctpTransport) abort(reason string) { t.Abort(reason) }

func (t *sctpTransport) release() {
	t.once.Do(func() {
		_ = t.Close()
		if t.private != nil {
			_ = t.private.Close()
		}
	})
}

// explain prefers what SCTP says to what TLS makes of it.
func (t *sctpTransport) explain(err error) error {
	if end := t.Err(); end != nil && (errors.Is(end, sctp.ErrAborted) || errors.Is(end, sctp.ErrUnreachable)) {
		err = end
	}
	for from, to := range map[error]error{
		sctp.ErrAborted: ErrAborted, sctp.ErrUnreachable: ErrUnreachable,
		sctp.ErrLength: ErrLength, sctp.ErrStream: ErrStream, sctp.ErrClosed: ErrClosed,
	} {
		if errors.Is(err, from) {
			return fmt.Errorf("%w: %w", to, err)
		}
	}
	return err
}

// dialSCTP sets up an SCTP association.
func (d *Dialer) dialSCTP(ctx context.Context, remote netip.AddrPort) (transport, error) {
	stack, private := d.Stack, (*Stack)(nil)
	c := sctp.DialConfig{Remote: remote, LocalPort: d.LocalPort, Options: sctpOptions(d.PPID, d.Limits, d.Liveness, d.TLS != nil)}
	if stack == nil {
		local := d.Local
		if !local.IsValid() {
			local = sctp.SourceFor(remote.Addr(), netip.IPv4Unspecified())
		}
		var err error
		private, err = NewStack(StackConfig{Local: local, Transport: d.Transport, Ephemeral: true, Tap: d.Tap})
		if err != nil {
			return nil, err
		}
		stack = private
	} else {
		c.Trace = packetTap(d.Tap, d.Transport)
	}
	if stack.transport != d.Transport {
		return nil, fmt.Errorf("%w: %q on a stack of %q", ErrTransport, d.Transport, stack.transport)
	}
	if d.Transport == SCTPUDP {
		c.UDPPort = d.UDPPort
		if c.UDPPort == 0 {
			c.UDPPort = EncapsulationPort
		}
	}
	conn, err := stack.endpoint.Dial(ctx, c)
	if err != nil {
		if private != nil {
			_ = private.Close()
		}
		return nil, explainSetup(err)
	}
	return &sctpTransport{sctpConn: conn, kind: d.Transport, private: private}, nil
}

// explainSetup turns an error of package sctp into one of this package.
func explainSetup(err error) error {
	switch {
	case errors.Is(err, sctp.ErrAborted):
		return fmt.Errorf("%w: %w", ErrAborted, err)
	case errors.Is(err, sctp.ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case errors.Is(err, sctp.ErrTooMany):
		return fmt.Errorf("%w: %w", ErrTooMany, err)
	}
	return err
}
