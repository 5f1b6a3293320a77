// SPDX-License-Identifier: Apache-2.0

package wire

// ListRequest asks for the known servers
// (RFC 5353 section 2.5).
type ListRequest struct {
	Sender, Receiver ServerID

	skipped
}

// Protocol returns ENRP.
func (*ListRequest) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*ListRequest) Type() uint8 { return TypeListRequest }

// Name returns the RFC's name.
func (*ListRequest) Name() string { return messageNames[ENRP][TypeListRequest] }
