// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestASAPError(t *testing.T) {
	checkVector(t, "A0e", Strict(), &ASAPError{Causes: []Cause{
		CauseOfParameter(Parameter{Type: 0x4020, Value: []byte{0, 0, 0, 1}}),
	}})
}

func TestASAPErrorNeedsACause(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(TypeASAPError), ErrMissing, "ASAP_ERROR: operation error at 4: 0xc: missing")
	empty := RawMessage(TypeASAPError).Add(RawParameter(ParameterOperationError))
	checkRefused(t, ASAP, Strict(), empty, ErrLength, "ASAP_ERROR: operation error at 4: length 0x4: wrong length")
	checkDecodes(t, Lenient(), empty, &ASAPError{Causes: []Cause{{Code: CauseUnspecified}}})
	checkNotEncoded(t, Strict(), &ASAPError{}, ErrMissing, "encode ASAP_ERROR: operation error: count 0x0: missing")
}
