// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"sync/atomic"
	"time"
)

// certConn is a connection of the certificate engine.
type certConn struct {
	*tls.Conn
	records *recordConn
	log     *connLog // nil: no key log
	timeout time.Duration
	open    atomic.Bool // the handshake has finished
	closed  atomic.Bool // close_notify was sent
}

// hardened returns the caller's configuration without sessions and with our versions.
func hardened(c *Config, r role) (*tls.Config, error) {
	t := c.Certificates.Clone()
	t.SessionTicketsDisabled = true
	t.ClientSessionCache = nil
	t.WrapSession, t.UnwrapSession = nil, nil
	lowest, highest := c.versions()
	if c.MinVersion != 0 || t.MinVersion == 0 {
		t.MinVersion = uint16(lowest)
	}
	if c.MaxVersion != 0 || t.MaxVersion == 0 {
		t.MaxVersion = uint16(highest)
	}
	if t.MinVersion > t.MaxVersion {
		return nil, fmt.Errorf("tlspsk: %w: Certificates: versions %#x to %#x", ErrConfig, t.MinVersion, t.MaxVersion)
	}
	if c.Messages {
		t.DynamicRecordSizingDisabled = true // it would cut a Write into several messages
	}
	if r == clientRole && t.ServerName == "" && !t.InsecureSkipVerify {
		return nil, fmt.Errorf("tlspsk: %w: Certificates.ServerName is empty, any name would do", ErrConfig)
	}
	return t, nil
}

// newCertConn returns a connection that first takes what was read of raw already.
func newCertConn(raw net.Conn, cfg *Config, t *tls.Config, r role, seen []byte) *certConn {
	c := &certConn{
		records: &recordConn{Conn: raw, messages: cfg.Messages, in: seen},
		timeout: cfg.timeout(),
	}
	if log := cfg.shared.log; log != nil {
		c.log = &connLog{keyLog: log}
		t = t.Clone()
		t.KeyLogWriter = c.log
	}
	if r == serverRole {
		c.Conn = tls.Server(c.records, t)
	} else {
		c.Conn = tls.Client(c.records, t)
	}
	return c
}

// HandshakeContext implements Conn.
func (c *certConn) HandshakeContext(ctx context.Context) error {
	if c.open.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := c.Conn.HandshakeContext(ctx)
	switch {
	case err == nil:
		c.open.Store(true)
		return nil
	case ctx.Err() != nil:
		return handshakeError(context.Cause(ctx))
	}
	if c.log != nil && c.log.err != nil {
		err = c.log.err
	}
	return c.explain("handshake", err)
}

// Read implements net.Conn.
func (c *certConn) Read(p []byte) (int, error) {
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	return n, c.explain("read", err)
}

// Write implements net.Conn.
func (c *certConn) Write(p []byte) (int, error) {
	if err := c.HandshakeContext(context.Background()); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err != nil && c.closed.Load() {
		err = ErrWriteClosed
	}
	return n, c.explain("write", err)
}

// CloseNotify implements Conn.
func (c *certConn) CloseNotify() error {
	if !c.open.Load() {
		return handshakeError(ErrHandshakePending)
	}
	if c.closed.Swap(true) {
		return ErrWriteClosed
	}
	return c.explain("close", c.Conn.CloseWrite())
}

// State implements Conn.
func (c *certConn) State() State {
	if !c.open.Load() {
		return State{}
	}
	s := c.ConnectionState()
	return State{
		Version: Version(s.Version).String(), CipherSuite: tls.CipherSuiteName(s.CipherSuite),
		PeerIdentity: certIdentity(s), Resumed: s.DidResume,
	}
}

// certIdentity names the peer only if its chain was verified.
func certIdentity(s tls.ConnectionState) Identity {
	if len(s.VerifiedChains) == 0 || len(s.VerifiedChains[0]) == 0 {
		return Identity{}
	}
	return Identity{Kind: Certificate, Name: subject(s.VerifiedChains[0][0])}
}

// subject returns the name of a certificate, which may be in subjectAltName only.
func subject(c *x509.Certificate) string {
	switch s := c.Subject.String(); {
	case s != "":
		return s
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	}
	return ""
}

// explain gives the errors of crypto/tls the form that the PSK engine has.
func (c *certConn) explain(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	received, sent := remoteAlert(err), c.records.sentAlert()
	switch {
	case op == "read" && errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case received == "" && sent == "":
		return fmt.Errorf("tlspsk: %s: %w", op, err)
	}
	return &AlertError{Op: op, Reason: "crypto/tls", Sent: sent, Received: received, Err: err}
}

// remoteAlert finds the alert in crypto/tls's "remote error", whose type is hidden.
func remoteAlert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return alert(v.Uint()).String()
	}
	return ""
}
