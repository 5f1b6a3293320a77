// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"context"
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
	// return ErrWriteClosed.
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
// if c has one, otherwise by c.Certificates. Nothing is sent before the handshake.
func Client(raw net.Conn, c *Config) (Conn, error) { return nil, ErrConfig }

// Server returns a connection that waits for a ClientHello and then chooses:
// a TLS 1.2 hello with PSK cipher suites and a TLS 1.3 hello with a
// pre_shared_key extension go to the PSK engine if c.Lookup is set, everything
// else to the certificate engine if c.Certificates is set. A hello that fits
// neither gets the alert handshake_failure.
func Server(raw net.Conn, c *Config) (Conn, error) { return nil, ErrConfig }
