// SPDX-License-Identifier: Apache-2.0

package wire

import "bytes"

// Decode decodes one whole message into a fresh Message whose byte slices
// alias b. Nil options are the strict ones. The error is a *DecodeError.
func Decode(p Protocol, b []byte, o *Options) (Message, error) {
	if err := checkType(p, b, o); err != nil {
		return nil, err
	}
	m, err := admitted(p, b[0])
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

	messages [ENRP][TypeASAPError + 1]Message // by protocol and type, made when needed
	proof    Message
}

// Decode decodes one whole message. The result belongs to the Decoder, is
// valid until its next call and aliases b. The error is a *DecodeError.
func (d *Decoder) Decode(p Protocol, b []byte) (Message, error) {
	if err := checkType(p, b, &d.Options); err != nil {
		return nil, err
	}
	slot := &d.proof
	if b[0] != TypeSelectionProof {
		slot = &d.messages[p-1][b[0]]
	}
	if *slot == nil {
		m, err := admitted(p, b[0])
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

// admitted returns an empty message of a type that checkType let pass.
func admitted(p Protocol, typ uint8) (Message, error) {
	if p == ASAP && typ == TypeSelectionProof {
		return new(SelectionProof), nil
	}
	return New(p, typ)
}

// checkType refuses messages whose type the protocol does not define. A sender
// is owed a report if the type has the action bits 01 (RFC 5354 section 4).
func checkType(p Protocol, b []byte, o *Options) error {
	if len(b) > 0 && (defined(p, b[0]) || p == ASAP && b[0] == TypeSelectionProof && o.orStrict().SelectionProof) {
		return nil
	}
	var r reader
	if len(b) == 0 {
		r.protocol = p
		r.fail(0, "message", "header", 0, ErrTruncated)
		return r.done()
	}
	// The length has to be right before the type means anything.
	var s skipped
	r.begin(b, o, p, b[0], &s)
	r.fail(0, "message", "type", uint64(b[0]), ErrUnknownMessage)
	if n := len(r.b); r.err.Err == ErrUnknownMessage && b[0]&actionMask == actionReportMessage && n <= maxReport {
		r.err.report = &Cause{CauseUnrecognizedMessage, bytes.Clone(r.b)}
	}
	return r.done()
}

// Action bits of a message type. 00 is discard; 10 and 11 are reserved, so that
// nothing may be reported.
const (
	actionMask          uint8 = 0xc0
	actionReportMessage uint8 = 0x40
)

// defined reports whether the protocol has the message type.
func defined(p Protocol, typ uint8) bool {
	switch p {
	case ASAP:
		return typ-1 < TypeASAPError
	case ENRP:
		return typ-1 < TypeENRPError
	}
	return false
}
