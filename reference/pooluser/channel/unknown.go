// SPDX-License-Identifier: Apache-2.0

package channel

import (
	"errors"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Unknown tells whether a decoder's error only means a type that it does not
// know. Such a message is discarded and the association goes on (RFC 5354
// sections 3 and 4); any other error is the sender's fault.
func Unknown(err error) bool {
	return errors.Is(err, wire.ErrUnknownMessage) || errors.Is(err, wire.ErrUnknownParameter)
}

// Report returns the ASAP_ERROR that the sender of a message is owed, given what
// the decoder returned for it: for the unknown type that stopped the decoder
// (action bits 01), or for unknown parameters that were skipped (bits 11). Nil
// when it is owed none.
func Report(m wire.Message, err error) *wire.ASAPError {
	var causes []wire.Cause
	var refused *wire.DecodeError
	switch {
	case err == nil:
		for _, p := range m.Unrecognized() {
			if p.Report() {
				causes = append(causes, wire.CauseOfParameter(p))
			}
		}
	case Unknown(err) && errors.As(err, &refused):
		if cause, owed := refused.Report(); owed {
			causes = append(causes, cause)
		}
	}
	if len(causes) == 0 {
		return nil
	}
	return &wire.ASAPError{Causes: causes}
}
