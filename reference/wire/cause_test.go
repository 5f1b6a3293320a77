// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"testing"
)

// RFC 5354 table 2.
func TestCauseCodes(t *testing.T) {
	for code, want := range map[CauseCode]string{
		CauseUnspecified: "unspecified error", CauseUnrecognizedParameter: "unrecognized parameter",
		CauseUnrecognizedMessage: "unrecognized message", CauseInvalidValues: "invalid values",
		CauseNonUniquePEID: "non-unique PE identifier", CauseInconsistentPolicy: "inconsistent pooling policy",
		CauseLackOfResources: "lack of resources", CauseInconsistentTransport: "inconsistent transport type",
		CauseInconsistentUse: "inconsistent data/control configuration", CauseUnknownPoolHandle: "unknown pool handle",
		CauseSecurity: "rejected due to security considerations", 0x100a: "cause 0x100a",
	} {
		if got := code.String(); got != want {
			t.Errorf("%d is %s, want %s", uint16(code), got, want)
		}
	}
	for code, want := range map[CauseCode]uint16{
		CauseUnspecified: 0, CauseUnrecognizedParameter: 1, CauseUnrecognizedMessage: 2, CauseInvalidValues: 3,
		CauseNonUniquePEID: 4, CauseInconsistentPolicy: 5, CauseLackOfResources: 6, CauseInconsistentTransport: 7,
		CauseInconsistentUse: 8, CauseUnknownPoolHandle: 9, CauseSecurity: 10,
	} {
		if uint16(code) != want {
			t.Errorf("%s is %d, want %d", code, uint16(code), want)
		}
	}
}

func TestCauseInformationMatchesItsCode(t *testing.T) {
	parameter := rawPEID().Bytes()
	odd := RawParameter(ParameterCookie).Put(1).Padding().Bytes()
	for _, c := range []struct {
		cause Cause
		legal bool
	}{
		{Cause{Code: CauseUnspecified}, true},
		{Cause{Code: CauseUnspecified, Info: parameter}, false},
		{Cause{Code: CauseUnrecognizedParameter, Info: parameter}, true},
		{Cause{Code: CauseUnrecognizedParameter, Info: odd}, true},
		{Cause{Code: CauseUnrecognizedParameter}, false},
		{Cause{Code: CauseUnrecognizedParameter, Info: parameter[:7]}, false},
		{Cause{Code: CauseUnrecognizedMessage, Info: []byte{0x7f, 0, 0, 4}}, true},
		{Cause{Code: CauseUnrecognizedMessage, Info: []byte{0x7f, 0, 0}}, false},
		{Cause{Code: CauseInvalidValues, Info: parameter}, true},
		{Cause{Code: CauseInvalidValues, Info: append(parameter, parameter...)}, false},
		{Cause{Code: CauseNonUniquePEID, Info: []byte{1}}, false},
		{Cause{Code: CauseInconsistentPolicy, Info: rawRR().Bytes()}, true},
		{Cause{Code: CauseInconsistentPolicy, Info: parameter}, false},
		{Cause{Code: CauseLackOfResources}, true},
		{Cause{Code: CauseInconsistentTransport, Info: rawSCTP().Bytes()}, true},
		{Cause{Code: CauseInconsistentTransport, Info: rawRR().Bytes()}, false},
		{Cause{Code: CauseInconsistentUse}, true},
		{Cause{Code: CauseUnknownPoolHandle, Info: []byte{1}}, false},
		{Cause{Code: CauseSecurity, Info: []byte("why")}, true},
		{Cause{Code: 0xb}, false},
		{Cause{Code: 0xf001, Info: []byte{1}}, false},
	} {
		m := &ASAPError{Causes: []Cause{c.cause}}
		if _, err := Encode(m); (err == nil) != c.legal {
			t.Errorf("%v with %x: error %v, legal %v", c.cause.Code, c.cause.Info, err, c.legal)
		}
	}
}

func TestPrivateCausesAreReceivedAndSentOnRequest(t *testing.T) {
	raw := RawMessage(TypeASAPError).Add(rawError(0x100b, 1, 2))
	m := &ASAPError{Causes: []Cause{{Code: 0x100b, Info: []byte{1, 2}}}}
	checkDecodes(t, Strict(), raw, m)
	checkNotEncoded(t, Strict(), m, ErrValue, "encode ASAP_ERROR: operation error: cause 0x100b: illegal value")
	checkBytes(t, Lenient(), m, raw)
}

func TestCausesThatTellThePoolsSettings(t *testing.T) {
	c, err := CauseOfPolicy(Policy{Type: RoundRobin})
	if err != nil || c.Code != CauseInconsistentPolicy || !bytes.Equal(c.Info, rawRR().Bytes()) {
		t.Errorf("policy: %v, %v", c, err)
	}
	if _, err := CauseOfPolicy(Policy{}); err == nil {
		t.Error("invalid policy accepted")
	}
	c, err = CauseOfTransport(sctpTransport(4711))
	if err != nil || c.Code != CauseInconsistentTransport || !bytes.Equal(c.Info, rawSCTP().Bytes()) {
		t.Errorf("transport: %v, %v", c, err)
	}
	if _, err := CauseOfTransport(Transport{}); err == nil {
		t.Error("invalid transport accepted")
	}
}
