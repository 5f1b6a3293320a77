// SPDX-License-Identifier: Apache-2.0

package wire

// CookieEcho carries the last cookie of a failed pool element
// to its successor
// (RFC 5352 section 2.2.12).
type CookieEcho struct {
	Value []byte

	skipped
}

// Protocol returns ASAP.
func (*CookieEcho) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*CookieEcho) Type() uint8 { return TypeCookieEcho }

// Name returns the RFC's name.
func (*CookieEcho) Name() string { return messageNames[ASAP][TypeCookieEcho] }
