// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"fmt"
	"slices"
)

// HandleUpdate announces a change of the handlespace (RFC 5353 section 2.4).
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

// Decode reads one message, see [Message].
func (m *HandleUpdate) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ENRP, TypeHandleUpdate, &m.skipped)
	m.TakeoverSuggested = r.flag(flagTakeover) && r.o.TakeoverFlag
	r.peers(&s, &m.Sender, &m.Receiver)
	m.Action = UpdateAction(r.word(&s, "update action") >> 16) // the rest is reserved
	if m.Action > DelPE && !r.o.ReservedValues {
		r.fail(s.pos-4, "message", "update action", uint64(m.Action), ErrValue)
	}
	r.handleElement(&s, &m.PoolHandle, &m.Element)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *HandleUpdate) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ENRP, TypeHandleUpdate, flagIf(m.TakeoverSuggested, flagTakeover))
	if m.TakeoverSuggested && !w.o.TakeoverFlag {
		w.fail("message", "takeover suggested flag", flagTakeover, ErrValue)
	}
	w.peers(m.Sender, m.Receiver)
	if m.Action > DelPE && !w.o.ReservedValues {
		w.fail("message", "update action", uint64(m.Action), ErrValue)
	}
	w.word(uint32(m.Action) << 16)
	w.handle(m.PoolHandle)
	w.element(&m.Element)
	return w.finish(dst)
}

func (m *HandleUpdate) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	c.Element = m.Element.clone()
	return &c
}

// flagTakeover is rsplib's T flag.
const flagTakeover = 0x01
