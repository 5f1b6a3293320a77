// SPDX-License-Identifier: Apache-2.0

package tlspsk

import (
	"errors"
	"strings"
)

// Errors of this package; each comes wrapped with the value that caused it.
var (
	ErrConfig           = errors.New("unusable configuration")
	ErrConfigCopied     = errors.New("configuration was copied after its first use, use Clone")
	ErrKeyLength        = errors.New("pre-shared key length out of range")
	ErrIdentity         = errors.New("pre-shared key identity is empty, too long or contains NUL")
	ErrSuite            = errors.New("cipher suite does not belong in the PSK engine")
	ErrNotPSK           = errors.New("the handshake was not authenticated by the pre-shared key")
	ErrUnknownIdentity  = errors.New("unknown pre-shared key identity")
	ErrNoEngine         = errors.New("ClientHello fits no configured engine")
	ErrNotTLS           = errors.New("peer does not speak TLS")
	ErrMalformedHello   = errors.New("malformed ClientHello")
	ErrHelloTooLarge    = errors.New("ClientHello too large")
	ErrEarlyData        = errors.New("early data is not possible")
	ErrWriteClosed      = errors.New("close_notify was sent already")
	ErrHandshakePending = errors.New("handshake has not finished")
	ErrKeyLog           = errors.New("key log could not be written")
	ErrLookupPanicked   = errors.New("key lookup panicked")
	errNoProgress       = errors.New("the TLS library made no progress")
)

// AlertError is a failure of the TLS layer itself: it broke off, or the peer did.
type AlertError struct {
	Op     string // "handshake", "read", "write", "close"
	Reason string // what the TLS library says
	// Sent and Received name the last alert in that direction as in RFC 8446
	// section 6 ("handshake_failure"), "" when there was none. The certificate
	// engine cannot tell which alert it sent once records are encrypted.
	Sent, Received string
	Err            error // sentinel or cause, may be nil
}

// Error joins operation, reason and alerts in one line.
func (e *AlertError) Error() string {
	var b strings.Builder
	b.WriteString("tlspsk: " + e.Op + ": " + e.Reason)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Sent != "" {
		b.WriteString("; sent alert " + e.Sent)
	}
	if e.Received != "" {
		b.WriteString("; received alert " + e.Received)
	}
	return b.String()
}

// Unwrap returns the sentinel or cause.
func (e *AlertError) Unwrap() error { return e.Err }
