// SPDX-License-Identifier: Apache-2.0

package wire

// Presence announces or probes a server
// (RFC 5353 section 2.1).
type Presence struct {
	Sender, Receiver ServerID
	// ReplyRequired is flag 0x01, see Options.NoReplyFlag.
	ReplyRequired bool
	// Checksum over the pool elements the sender owns, if HasChecksum.
	Checksum    uint16
	HasChecksum bool
	Server      ServerInformation
	HasServer   bool

	skipped
}

// Protocol returns ENRP.
func (*Presence) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*Presence) Type() uint8 { return TypePresence }

// Name returns the RFC's name.
func (*Presence) Name() string { return messageNames[ENRP][TypePresence] }
