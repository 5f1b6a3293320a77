// SPDX-License-Identifier: Apache-2.0

package wire

// Cookie carries a pool element's state to a pool user
// (RFC 5352 section 2.2.11).
type Cookie struct {
	Value []byte

	skipped
}

// Protocol returns ASAP.
func (*Cookie) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*Cookie) Type() uint8 { return TypeCookie }

// Name returns the RFC's name.
func (*Cookie) Name() string { return messageNames[ASAP][TypeCookie] }
