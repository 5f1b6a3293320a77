// SPDX-License-Identifier: Apache-2.0

package association

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rspthreat/rspthreat/reference/association/sctp"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// setup is what Dialer and ListenConfig say about every association.
type setup struct {
	tls    *tlspsk.Config
	begin  func(net.Conn, *tlspsk.Config) (tlspsk.Conn, error) // tlspsk.Client or Server
	ppid   uint32
	limits Limits
	wrap   func(net.Conn) net.Conn
	ended  func()
}

// build makes an association of a transport, after the TLS handshake if there is
// to be one. It frees the transport when that fails.
func (s *setup) build(ctx context.Context, t transport) (*carrier, error) {
	a := &carrier{t: t, conn: t, info: t.describe(), limits: s.limits, ended: s.ended}
	if s.wrap != nil {
		a.conn = s.wrap(t)
	}
	switch {
	case s.tls != nil:
		if err := a.handshake(ctx, s); err != nil {
			return nil, err
		}
		a.codec = newStreamCodec(a.conn, s.ppid, s.limits, true)
	case a.info.Transport == TCP:
		a.codec = newStreamCodec(a.conn, s.ppid, s.limits, false)
	default:
		a.codec = messageCodec{conn: messages(a.conn, s.ppid, s.limits.MaxMessage), ppid: s.ppid}
	}
	a.start()
	return a, nil
}

// handshake puts TLS on the connection of a.
func (a *carrier) handshake(ctx context.Context, s *setup) error {
	secure, err := s.begin(a.conn, s.tls)
	if err == nil {
		err = secure.HandshakeContext(ctx)
	}
	if err != nil {
		var alert *tlspsk.AlertError
		switch {
		case ctx.Err() != nil:
			a.t.abort("handshake timed out")
		case errors.As(err, &alert) && alert.Received != "" && s.wrap == nil: // a wrap may have sent more
			a.t.abort("refused by an alert") // nothing of ours is left to arrive, and the peer need not wait
		}
		a.t.release() // gracefully, so that an alert arrives
		if alert == nil || alert.Sent == "" {
			err = a.t.explain(err) // otherwise TLS has refused it, and the far end may have gone since
		}
		return fmt.Errorf("association: TLS with %v: %w", a.info.Remote, err)
	}
	a.secure, a.conn = secure, secure
	a.info.Secured, a.info.TLS = true, secure.State()
	a.info.Identity = a.info.TLS.PeerIdentity
	return nil
}

// tlsConfig returns c for a transport that does or does not preserve messages.
// Only a configuration that already says so keeps the engine it has built.
func tlsConfig(c *tlspsk.Config, messages bool) *tlspsk.Config {
	if c == nil || c.Messages == messages {
		return c
	}
	c = c.Clone()
	c.Messages = messages
	return c
}

// sctpOptions returns the options of an SCTP association. TLS goes without PPID
// (RFC 3436 names none) and has stream 0 to itself; its records are shorter than
// any message limit.
func sctpOptions(ppid uint32, l Limits, live time.Duration, secure bool) sctp.Options {
	o := sctp.Options{PPID: ppid, MaxMessage: l.withDefaults().MaxMessage, Liveness: liveness(live)}
	if secure {
		o.PPID, o.MaxMessage, o.SingleStream = 0, 0, true
	}
	return o
}
