// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// serverConn waits for the ClientHello and is then a shell around the engine's Conn.
type serverConn struct {
	raw    net.Conn
	config *Config
	psk    *engine     // nil: no pre-shared keys
	certs  *tls.Config // nil: no certificates

	hmu  sync.Mutex // one goroutine chooses
	done atomic.Bool
	err  error // why no engine was chosen; valid once done is set

	mu     sync.Mutex // guards closed and the change of inner
	closed bool
	inner  atomic.Pointer[Conn]
}

// HandshakeContext implements Conn.
func (s *serverConn) HandshakeContext(ctx context.Context) error {
	_, err := s.establish(ctx)
	return err
}

// establish returns the engine's connection after its handshake.
func (s *serverConn) establish(ctx context.Context) (Conn, error) {
	if c := s.chosen(); c != nil {
		return c, c.HandshakeContext(ctx)
	}
	s.hmu.Lock()
	defer s.hmu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.config.timeout())
	defer cancel()
	if !s.done.Load() {
		s.err = interruptible(ctx, s.raw, s.choose)
		s.done.Store(true)
	}
	if s.err != nil {
		return nil, s.err
	}
	c := s.chosen()
	return c, c.HandshakeContext(ctx)
}

func (s *serverConn) chosen() Conn {
	if p := s.inner.Load(); p != nil {
		return *p
	}
	return nil
}

// choose reads the ClientHello and makes the engine's connection, or refuses.
func (s *serverConn) choose() error {
	in := sniffer{raw: s.raw, messages: s.config.Messages}
	h, err := in.hello()
	var c Conn
	if err == nil {
		c, err = s.engineFor(h, in.seen)
	}
	if err == nil {
		err = s.adopt(c)
	}
	var r *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		e := &AlertError{Op: "handshake", Reason: "refused", Err: r.err}
		if sendAlert(s.raw, r.alert) == nil {
			e.Sent = r.alert.String()
		}
		return e
	}
	return handshakeError(err)
}

// engineFor applies the rule in the comment of Server.
func (s *serverConn) engineFor(h hello, seen []byte) (Conn, error) {
	switch {
	case s.psk != nil && h.tls13 && h.pskOffer && s.psk.max == TLS13:
		return newPSKConn(s.raw, s.config, s.psk, TLS13, seen)
	case s.psk != nil && h.pskSuite:
		// without the extension TLS 1.3 has no key to offer, TLS 1.2 has
		return newPSKConn(s.raw, s.config, s.psk, s.below13(), seen)
	case s.certs != nil:
		return newCertConn(s.raw, s.config, s.certs, serverRole, seen), nil
	}
	return nil, refuse(alertHandshakeFailure, ErrNoEngine, "PSK suites %t, pre_shared_key %t", h.pskSuite, h.pskOffer)
}

// below13 is the highest version for a client whose keys are for TLS 1.2 only.
func (s *serverConn) below13() Version {
	if lowest, _ := s.config.versions(); lowest == TLS13 {
		return TLS13
	}
	return min(s.psk.max, TLS12)
}

// adopt makes c the connection, unless Close came first.
func (s *serverConn) adopt(c Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return net.ErrClosed
	}
	s.inner.Store(&c)
	return nil
}

// Read implements net.Conn.
func (s *serverConn) Read(p []byte) (int, error) {
	c, err := s.establish(context.Background())
	if err != nil {
		return 0, err
	}
	return c.Read(p)
}

// Write implements net.Conn.
func (s *serverConn) Write(p []byte) (int, error) {
	c, err := s.establish(context.Background())
	if err != nil {
		return 0, err
	}
	return c.Write(p)
}

// Close implements net.Conn.
func (s *serverConn) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	c := s.chosen()
	s.mu.Unlock()
	switch {
	case closed:
		return net.ErrClosed
	case c != nil:
		return c.Close()
	}
	return s.raw.Close()
}

// CloseNotify implements Conn.
func (s *serverConn) CloseNotify() error {
	if c := s.chosen(); c != nil {
		return c.CloseNotify()
	}
	return fmt.Errorf("tlspsk: close: %w", ErrHandshakePending)
}

// State implements Conn.
func (s *serverConn) State() State {
	if c := s.chosen(); c != nil {
		return c.State()
	}
	return State{}
}

// LocalAddr implements net.Conn.
func (s *serverConn) LocalAddr() net.Addr { return s.raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (s *serverConn) RemoteAddr() net.Addr { return s.raw.RemoteAddr() }

// SetDeadline implements net.Conn.
func (s *serverConn) SetDeadline(t time.Time) error { return s.raw.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (s *serverConn) SetReadDeadline(t time.Time) error { return s.raw.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (s *serverConn) SetWriteDeadline(t time.Time) error { return s.raw.SetWriteDeadline(t) }

// interruptible runs f and closes raw when ctx ends before it.
func interruptible(ctx context.Context, raw net.Conn, f func() error) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		raw.Close()
		close(closed)
	})
	err := f()
	if !stop() {
		<-closed
		return handshakeError(context.Cause(ctx))
	}
	return err
}

// handshakeError says where an error of the transport or the context came up.
func handshakeError(err error) error {
	return fmt.Errorf("tlspsk: handshake: %w", err)
}
