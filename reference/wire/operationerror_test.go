// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestOperationErrorListsCauses(t *testing.T) {
	raw := RawMessage(TypeASAPError).Add(RawParameter(ParameterOperationError).Add(
		RawParameter(ParameterType(CauseSecurity)).Put('n', 'o'), // padded in between
		RawParameter(ParameterType(CauseLackOfResources)),
		RawParameter(ParameterType(CauseSecurity)).Put('x'), // and not counted at the end
	))
	m := &ASAPError{Causes: []Cause{
		{CauseSecurity, []byte("no")},
		{CauseLackOfResources, nil},
		{CauseSecurity, []byte("x")},
	}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
}

func TestOperationErrorCauseLengths(t *testing.T) {
	short := RawMessage(TypeASAPError).Add(RawParameter(ParameterOperationError).Add(RawParameter(0x9).Length(3)))
	checkRefused(t, ASAP, Lenient(), short, ErrLength, "ASAP_ERROR: cause at 8: length 0x3: wrong length")
	long := RawMessage(TypeASAPError).Add(RawParameter(ParameterOperationError).Add(RawParameter(0x9).AddLength(4)))
	checkRefused(t, ASAP, Lenient(), long, ErrTruncated, "ASAP_ERROR: cause at 8: length 0x8: truncated")
	stub := RawMessage(TypeASAPError).Add(RawParameter(ParameterOperationError).Put(0, 9))
	checkRefused(t, ASAP, Lenient(), stub, ErrTruncated, "ASAP_ERROR: cause at 8: header 0x2: truncated")
}

func TestOperationErrorLimitsCauses(t *testing.T) {
	list := RawParameter(ParameterOperationError)
	m := &ASAPError{}
	for range DefaultMaxCauses {
		list.Add(RawParameter(ParameterType(CauseSecurity)))
		m.Causes = append(m.Causes, Cause{Code: CauseSecurity})
	}
	checkDecodes(t, Strict(), RawMessage(TypeASAPError).Add(list), m)
	list.Add(RawParameter(ParameterType(CauseSecurity)))
	m.Causes = append(m.Causes, Cause{Code: CauseSecurity})
	checkRefused(t, ASAP, Strict(), RawMessage(TypeASAPError).Add(list), ErrTooLarge,
		"ASAP_ERROR: operation error at 264: cause count 0x41: too large")
	checkNotEncoded(t, Strict(), m, ErrTooLarge, "encode ASAP_ERROR: operation error: count 0x41: too large")
}

func TestOperationErrorCauseFits(t *testing.T) {
	m := &ASAPError{Causes: []Cause{{CauseSecurity, make([]byte, 65532)}}}
	checkNotEncoded(t, Strict(), m, ErrTooLarge, "encode ASAP_ERROR: cause: size 0xfffc: too large")
	m.Causes = []Cause{{CauseSecurity, make([]byte, 40000)}, {CauseSecurity, make([]byte, 40000)}}
	checkNotEncoded(t, Strict(), m, ErrTooLarge, "encode ASAP_ERROR: operation error: length 0x1388c: too large")
}

// Responses are negative by their causes, so that an error without any must have one.
func TestErrorWithoutACauseStaysAnError(t *testing.T) {
	empty := RawParameter(ParameterOperationError)
	for _, c := range []struct {
		raw  *Raw
		want Message
	}{
		{
			RawMessage(TypeHandleResolutionResponse).Add(rawHandle(), empty),
			&HandleResolutionResponse{PoolHandle: testHandle, Causes: []Cause{{Code: CauseUnspecified}}},
		},
		{
			RawMessage(TypeDeregistrationResponse).Add(rawHandle(), rawPEID(), empty),
			&DeregistrationResponse{PoolHandle: testHandle, PEID: testPE, Causes: []Cause{{Code: CauseUnspecified}}},
		},
	} {
		checkDecodes(t, Lenient(), c.raw, c.want)
		b, err := Encode(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := decodeOK(t, ASAP, Strict(), b); !same(got, c.want) {
			t.Errorf("encoded it is %+v", got)
		}
	}
}
