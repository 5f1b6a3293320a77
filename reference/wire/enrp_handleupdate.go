// SPDX-License-Identifier: Apache-2.0

package wire

import "fmt"

// HandleUpdate announces a change of the handlespace
// (RFC 5353 section 2.4).
type HandleUpdate struct {
	Sender, Receiver ServerID
	// TakeoverSuggested is rsplib's T flag; only with Options.TakeoverFlag.
	TakeoverSuggested bool
	Action            UpdateAction
	PoolHandle        PoolHandle
	Element           PoolElement

	skipped
}

// Protocol returns ENRP.
func (*HandleUpdate) Protocol() Protocol { return ENRP }

// Type returns the message type octet.
func (*HandleUpdate) Type() uint8 { return TypeHandleUpdate }

// Name returns the RFC's name.
func (*HandleUpdate) Name() string { return messageNames[ENRP][TypeHandleUpdate] }

// UpdateAction says what happened to a pool element.
type UpdateAction uint16

// The update actions; all others are reserved.
const (
	AddPE UpdateAction = 0
	DelPE UpdateAction = 1
)

// String returns the RFC's name of the action.
func (a UpdateAction) String() string {
	switch a {
	case AddPE:
		return "ADD_PE"
	case DelPE:
		return "DEL_PE"
	}
	return fmt.Sprintf("update action %d", uint16(a))
}
