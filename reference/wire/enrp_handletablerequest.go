// SPDX-License-Identifier: Apache-2.0

package wire

// HandleTableRequest asks for a copy of the handlespace
// (RFC 5353 section 2.2).
type HandleTableRequest struct {
	Sender, Receiver ServerID
	// OwnChildrenOnly is the W flag: only what the receiver owns.
	OwnChildrenOnly bool

	skipped
}

// Protocol returns ENRP.
func (*HandleTableRequest) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*HandleTableRequest) Type() uint8 { return TypeHandleTableRequest }

// Name returns the RFC's name.
func (*HandleTableRequest) Name() string { return messageNames[ENRP][TypeHandleTableRequest] }
