// SPDX-License-Identifier: Apache-2.0

package wire

// Decode decodes one whole message into a fresh Message whose byte slices
// alias b. Nil options are the strict ones. The error is a *DecodeError.
func Decode(p Protocol, b []byte, o *Options) (Message, error) {
	if err := checkType(p, b); err != nil {
		return nil, err
	}
	m, err := New(p, b[0])
	if err != nil {
		return nil, err
	}
	if err := m.Decode(b, o); err != nil {
		return nil, err
	}
	return m, nil
}

// Decoder decodes without allocating: it owns one message of each kind and
// reuses their storage. The zero value is ready to use and strict. A Decoder
// must not be used concurrently.
type Decoder struct {
	// Options of the next Decode.
	Options Options

	asap [TypeASAPError + 1]Message
	enrp [TypeENRPError + 1]Message
}

// Decode decodes one whole message. The result belongs to the Decoder, is
// valid until its next call and aliases b. The error is a *DecodeError.
func (d *Decoder) Decode(p Protocol, b []byte) (Message, error) {
	if err := checkType(p, b); err != nil {
		return nil, err
	}
	slot := &d.asap[0]
	if p == ASAP {
		slot = &d.asap[b[0]]
	} else {
		slot = &d.enrp[b[0]]
	}
	if *slot == nil {
		m, err := New(p, b[0])
		if err != nil {
			return nil, err
		}
		*slot = m
	}
	if err := (*slot).Decode(b, &d.Options); err != nil {
		return nil, err
	}
	return *slot, nil
}
