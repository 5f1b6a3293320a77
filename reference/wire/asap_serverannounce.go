// SPDX-License-Identifier: Apache-2.0

package wire

// ServerAnnounce announces where a server can be reached
// (RFC 5352 section 2.2.10).
type ServerAnnounce struct {
	Server ServerID
	// Transports are SCTP or TCP, possibly none.
	Transports []Transport

	skipped
}

// Protocol returns ASAP.
func (*ServerAnnounce) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*ServerAnnounce) Type() uint8 { return TypeServerAnnounce }

// Name returns the RFC's name.
func (*ServerAnnounce) Name() string { return messageNames[ASAP][TypeServerAnnounce] }
