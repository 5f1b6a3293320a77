// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"fmt"
	"slices"
)

// What can be wrong with a message. DecodeError and EncodeError wrap one of these.
var (
	// ErrTruncated means that the bytes end before the element does.
	ErrTruncated = errors.New("truncated")
	// ErrLength means that a length field contradicts the element it describes.
	ErrLength = errors.New("wrong length")
	// ErrUnknownMessage means a message type that the protocol does not define.
	ErrUnknownMessage = errors.New("unknown message type")
	// ErrUnknownParameter means a parameter type whose action bits forbid to go on.
	ErrUnknownParameter = errors.New("unknown parameter type")
	// ErrMissing means that a mandatory element is absent.
	ErrMissing = errors.New("missing")
	// ErrOrder means an element that must not come here, or not again.
	ErrOrder = errors.New("not allowed here")
	// ErrValue means a value that the RFC or the options forbid.
	ErrValue = errors.New("illegal value")
	// ErrTrailing means bytes after the end of the message.
	ErrTrailing = errors.New("trailing bytes")
	// ErrTooLarge means more than a length field can say or a limit allows.
	ErrTooLarge = errors.New("too large")
)

// DecodeError says where and why the decoder refused a message.
type DecodeError struct {
	// Protocol and Type identify the message.
	Protocol Protocol
	Type     uint8
	// Offset of the element from the first octet of the message.
	Offset int
	// Element is the message part at Offset, such as "pool element".
	Element string
	// Field names the refused part of the element, such as "length"; "" for the element itself.
	Field string
	// Value is the offending value: a field, a length or a count.
	Value uint64
	// Err is one of the sentinel errors.
	Err error

	report *Cause // what the sender is owed, if anything
}

// Error describes the refusal in one line.
func (e *DecodeError) Error() string {
	s := fmt.Sprintf("%s: %s at %d: ", MessageName(e.Protocol, e.Type), e.Element, e.Offset)
	if e.Field != "" {
		s += e.Field + " "
	}
	return fmt.Sprintf("%s0x%x: %v", s, e.Value, e.Err)
}

// Unwrap returns the sentinel error.
func (e *DecodeError) Unwrap() error { return e.Err }

// Report returns the error cause that the sender of the message is owed: the
// unrecognized parameter or message whose type has the action bits 01. There is
// none when the information would not fit into an error message.
func (e *DecodeError) Report() (Cause, bool) {
	if e.report == nil {
		return Cause{}, false
	}
	return Cause{Code: e.report.Code, Info: slices.Clone(e.report.Info)}, true
}

// EncodeError says why the encoder refused to build a message.
type EncodeError struct {
	Protocol Protocol
	Type     uint8
	// Element is the refused part, such as "pool handle".
	Element string
	// Field names the refused part of the element; "" for the element itself.
	Field string
	// Value is the offending value: a field, a length or a count.
	Value uint64
	// Err is one of the sentinel errors.
	Err error
}

// Error describes the refusal in one line.
func (e *EncodeError) Error() string {
	s := fmt.Sprintf("encode %s: %s: ", MessageName(e.Protocol, e.Type), e.Element)
	if e.Field != "" {
		s += e.Field + " "
	}
	return fmt.Sprintf("%s0x%x: %v", s, e.Value, e.Err)
}

// Unwrap returns the sentinel error.
func (e *EncodeError) Unwrap() error { return e.Err }
