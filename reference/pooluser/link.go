// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/pooluser/channel"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// ErrElementUnauthenticated: an element that is to be secured and is not, or
// has not shown who it is.
var ErrElementUnauthenticated = errors.New("pooluser: element is not authenticated")

// link is the association with one element.
type link struct {
	channel *channel.Channel
	element wire.PoolElement
	context SecurityContext
	since   time.Time

	mu    sync.Mutex
	cause error // why we ended it, nil if we did not
	heard bool  // anything at all
}

// breakOff ends the association after a failure on our side of it.
func (l *link) breakOff(cause error) {
	l.mu.Lock()
	if l.cause == nil {
		l.cause = cause
	}
	l.mu.Unlock()
	_ = l.channel.Association().Abort("failed") // it is of no use, whatever becomes of it
}

// connect sets up the channel with an element, at the first of its addresses that
// answers. It reports an element that cannot be reached.
func (s *Session) connect(ctx context.Context, e wire.PoolElement) (*link, error) {
	var ways []bool // secured?
	switch s.u.cfg.Elements.Security {
	case ElementsSecured:
		ways = []bool{true}
	case ElementsPreferred:
		ways = []bool{true, false}
	case ElementsClear:
		ways = []bool{false}
	}
	var err error
	refused := false
	for _, addr := range e.User.Addrs {
		for _, secured := range ways {
			if !secured && err != nil && s.permit(SecurityContext{}) != nil {
				break // what came of TLS is the reason to give
			}
			var l *link
			if l, err = s.dial(ctx, e, addr, secured); err == nil {
				s.u.reached(s.pool, e.ID)
				return l, nil
			}
			s.u.log.Info("element not connected", "element", e.ID.String(), "addr", addr, "tls", secured, "error", err)
			if refused = refused || securityError(err); forged(err) {
				break // somebody is there, and is somebody else: asking in clear would be naive
			}
		}
	}
	switch {
	case refused:
		s.u.count(func(st *Stats) { st.ElementsRefused++ })
	case ctx.Err() == nil:
		s.u.unreachable(s.pool, e.ID)
	}
	return nil, fmt.Errorf("element %s: %w", e.ID, err)
}

// permit compares what is on offer with what the session has had.
func (s *Session) permit(to SecurityContext) error {
	s.mu.Lock()
	from := s.context
	s.mu.Unlock()
	return s.u.cfg.Defences.Strength.Permit(from, to)
}

// dial sets up one association and judges its security.
func (s *Session) dial(ctx context.Context, e wire.PoolElement, addr netip.Addr, secured bool) (*link, error) {
	ch, err := s.associate(ctx, &e, addr, secured)
	if err != nil {
		return nil, err
	}
	got := ContextOf(ch.Association().Info())
	err = s.permit(got)
	if s.u.cfg.Elements.Security == ElementsSecured && !(got.Secured && got.Authenticated) {
		err = fmt.Errorf("%w: %s", ErrElementUnauthenticated, got)
	}
	if err != nil {
		_ = ch.Association().Abort("security") // it is of no use, whatever becomes of it
		return nil, err
	}
	return &link{channel: ch, element: e, context: got, since: time.Now()}, nil
}

// associate sets up one association, secured or not.
func (s *Session) associate(ctx context.Context, e *wire.PoolElement, addr netip.Addr, secured bool) (*channel.Channel, error) {
	cfg := &s.u.cfg.Elements
	t := Target{
		Transport: cfg.transport(&e.User), Addr: netip.AddrPortFrom(addr.Unmap(), e.User.Port),
		UDPPort: cfg.UDPPort, PPID: cfg.DataPPID, Liveness: s.u.cfg.Timers.Liveness,
	}
	if secured {
		var err error
		if t.TLS, err = cfg.tls(addr.String(), t.Transport.IsSCTP()); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.u.cfg.Timers.Connect)
	defer cancel()
	a, err := s.u.cfg.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	ch, err := channel.New(a, channel.Options{DataPPID: cfg.DataPPID, Wire: s.u.cfg.Wire})
	if err != nil {
		_ = a.Abort("unusable") // the caller gets the reason
		return nil, err
	}
	return ch, nil
}

// securityError tells whether an element was reached and left for its security.
// It is not unreachable then.
func securityError(err error) bool {
	var alert *tlspsk.AlertError
	var header tls.RecordHeaderError
	return forged(err) || errors.As(err, &alert) || errors.As(err, &header) ||
		errors.Is(err, ErrWeaker) || errors.Is(err, ErrElementUnauthenticated) || errors.Is(err, tlspsk.ErrNotPSK)
}

// forged tells whether the far end showed a certificate that is none of the element's.
func forged(err error) bool {
	var bad *tls.CertificateVerificationError
	return errors.As(err, &bad) || errors.Is(err, ErrCertificate)
}
