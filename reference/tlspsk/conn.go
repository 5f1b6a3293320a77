// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
	"fmt"
	"net"
)

// Conn is a secured connection. One goroutine may read while another writes;
// all methods may be called at any time from any goroutine.
//
// Read returns io.EOF after the peer's close_notify and io.ErrUnexpectedEOF when
// the transport ended without one. A read deadline may be passed and moved again,
// a write deadline that fires ends the writing side for good, because nobody knows
// how much ciphertext the peer got.
type Conn interface {
	// Close sends close_notify and closes the transport; it waits a bounded time
	// for a transport that takes nothing.
	net.Conn

	// HandshakeContext runs the handshake unless that was done before, at the
	// latest until ctx or the handshake timeout ends; then the transport is
	// closed. Read and Write call it. The result stays.
	//
	// A TLS 1.3 client has finished when its last message is sent: that the
	// server refuses it shows in the first Read.
	HandshakeContext(ctx context.Context) error

	// State returns what the handshake agreed on; the zero State before that.
	State() State

	// CloseNotify sends close_notify and keeps reading possible; later Writes
	// return ErrWriteClosed. It returns ErrHandshakePending when it comes early.
	CloseNotify() error
}

// EarlyDataWriter is implemented by the Conn that Client returns for a
// pre-shared key.
type EarlyDataWriter interface {
	// WriteEarlyData keeps p for the first flight of the handshake that follows
	// (RFC 8446 section 2.3). It returns ErrEarlyData when the configuration does
	// not allow it, the handshake has begun, or more than MaxEarlyData octets
	// are given. If State().EarlyData is false afterwards, the server has
	// thrown the data away.
	WriteEarlyData(p []byte) (int, error)
}

// Client returns a connection that authenticates itself with the pre-shared key
// if c has one, otherwise by c.Certificates; it never falls from one to the
// other. Nothing is sent before the handshake. The error is ErrConfig,
// ErrConfigCopied, ErrIdentity, ErrKeyLength or ErrSuite.
func Client(raw net.Conn, c *Config) (Conn, error) {
	switch {
	case c == nil:
	case c.hasPSK():
		if err := checkIdentity(c.PSKIdentity); err != nil {
			return nil, fmt.Errorf("tlspsk: %w", err)
		}
		if err := checkKey(c.PSKKey); err != nil {
			return nil, fmt.Errorf("tlspsk: %w", err)
		}
		e, err := c.pskEngine(clientRole)
		if err != nil {
			return nil, err
		}
		return newPSKConn(raw, c, e, e.max, nil)
	case c.Certificates != nil:
		t, err := c.certEngine(clientRole)
		if err != nil {
			return nil, err
		}
		return newCertConn(raw, c, t, clientRole, nil), nil
	}
	return nil, fmt.Errorf("tlspsk: %w: a client needs a pre-shared key or Certificates", ErrConfig)
}

// Server returns a connection that waits for a ClientHello and then chooses:
// a TLS 1.2 hello with PSK cipher suites and a TLS 1.3 hello with a
// pre_shared_key extension go to the PSK engine if c.Lookup is set, everything
// else to the certificate engine if c.Certificates is set. A hello that fits
// neither gets the alert handshake_failure, and the handshake returns
// ErrNoEngine. Server itself returns ErrConfig, ErrConfigCopied or ErrSuite.
func Server(raw net.Conn, c *Config) (Conn, error) {
	if c == nil || c.Lookup == nil && c.Certificates == nil {
		return nil, fmt.Errorf("tlspsk: %w: a server needs Lookup or Certificates", ErrConfig)
	}
	s := &serverConn{raw: raw, config: c}
	var err error
	if c.Lookup != nil {
		if s.psk, err = c.pskEngine(serverRole); err != nil {
			return nil, err
		}
	}
	if c.Certificates != nil {
		if s.certs, err = c.certEngine(serverRole); err != nil {
			return nil, err
		}
	}
	return s, nil
}
