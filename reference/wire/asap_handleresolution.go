// SPDX-License-Identifier: Apache-2.0

package wire

import "slices"

// HandleResolution asks for the pool elements of a pool (RFC 5352 section
// 2.2.5).
type HandleResolution struct {
	// Subscribe is the S flag: send updates while the association lasts.
	Subscribe  bool
	PoolHandle PoolHandle
	// Items is the largest wanted number of pool elements, 0xffffffff for all,
	// if HasItems. Only with Options.HandleResolutionOption.
	Items    uint32
	HasItems bool

	skipped
}

// Protocol returns ASAP.
func (*HandleResolution) Protocol() Protocol { return ASAP }

// Type returns the message type octet.
func (*HandleResolution) Type() uint8 { return TypeHandleResolution }

// Name returns the RFC's name.
func (*HandleResolution) Name() string { return messageNames[ASAP][TypeHandleResolution] }

// Decode reads one message, see [Message].
func (m *HandleResolution) Decode(b []byte, o *Options) error {
	var r reader
	s := r.begin(b, o, ASAP, TypeHandleResolution, &m.skipped)
	m.Subscribe = r.flag(flagSubscribe)
	m.Items, m.HasItems = 0, false
	for t, ok := r.next(&s); ok; t, ok = r.next(&s) {
		switch t.typ {
		case ParameterPoolHandle:
			if r.single(&s, inResolutionHandle, t) {
				m.PoolHandle = r.handle(t)
			}
		case ParameterHandleResolution:
			if r.single(&s, inResolutionItems, t) {
				m.Items, m.HasItems = r.word32(t), true
			}
		default:
			r.extra(t)
		}
	}
	r.require(&s, inResolutionHandle, ParameterPoolHandle)
	return r.done()
}

// Append encodes the message, see [Message].
func (m *HandleResolution) Append(dst []byte, o *Options) ([]byte, error) {
	var w writer
	w.begin(dst, o, ASAP, TypeHandleResolution, flagIf(m.Subscribe, flagSubscribe))
	w.handle(m.PoolHandle)
	if m.HasItems {
		if !w.o.HandleResolutionOption {
			w.fail("handle resolution option", "", uint64(m.Items), ErrOrder)
		}
		w.word32(ParameterHandleResolution, m.Items)
	}
	return w.finish(dst)
}

func (m *HandleResolution) clone() Message {
	c := *m
	c.skipped = m.skipped.clone()
	c.PoolHandle = slices.Clone(m.PoolHandle)
	return &c
}

// flagSubscribe is the S flag.
const flagSubscribe = 0x01

// Positions of the parameters in a HandleResolution.
const (
	inResolutionHandle = 1 << iota
	inResolutionItems
)
