// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association/kernelsctp"
	"github.com/rspthreat/rspthreat/reference/association/sctp"
)

// dialKernel sets up an association of SCTPKernel.
func (d *Dialer) dialKernel(ctx context.Context, remote netip.AddrPort) (transport, error) {
	local := d.Local
	if d.Stack != nil {
		if d.Stack.transport != SCTPKernel {
			return nil, fmt.Errorf("%w: %q on a stack of %q", ErrTransport, SCTPKernel, d.Stack.transport)
		}
		if !local.IsValid() && !d.Stack.local.Addr().IsUnspecified() {
			local = d.Stack.local.Addr()
		}
	}
	c, err := kernelsctp.Dial(ctx, netip.AddrPortFrom(local, d.LocalPort), remote,
		sctpOptions(d.PPID, d.Limits, d.Liveness, d.TLS != nil))
	if err != nil {
		return nil, fmt.Errorf("association: %w", explainSetup(err))
	}
	return &sctpTransport{sctpConn: c, kind: SCTPKernel}, nil
}

// listenKernel opens the socket and accepts.
func (l *listener) listenKernel() error {
	local := l.addr
	if l.config.Stack != nil {
		local = netip.AddrPortFrom(l.config.Stack.local.Addr(), local.Port())
	}
	if !local.Addr().IsValid() {
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
	}
	s, err := kernelsctp.Listen(local, sctpOptions(l.config.PPID, l.config.Limits, l.config.Liveness, l.config.TLS != nil))
	if err != nil {
		return err
	}
	l.addr = s.Addr()
	l.stop = func() { _ = s.Close() }
	l.running.Go(func() { l.acceptKernel(s) })
	return nil
}

// acceptKernel takes associations, which are up by then, and aborts those that
// there is no room for: nobody bounds how many the kernel would keep for us.
func (l *listener) acceptKernel(s *kernelsctp.Listener) {
	for {
		c, err := s.Accept()
		switch {
		case errors.Is(err, sctp.ErrClosed):
			return
		case err != nil: // no file descriptors
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(acceptPause):
				continue
			}
		}
		remote := c.RemoteAddr().(sctp.Addr).AddrPort
		select {
		case l.slots <- struct{}{}:
			if l.begin(remote, func(context.Context) (transport, error) {
				return &sctpTransport{sctpConn: c, kind: SCTPKernel}, nil
			}, func() { _ = c.Close() }) {
				continue
			}
			<-l.slots
		default:
		}
		c.Abort(ErrTooMany.Error())
		l.report(remote, fmt.Errorf("%w: %d, %d handshakes", ErrTooMany, l.config.Limits.Associations, l.config.Limits.Handshakes))
	}
}
