// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"testing"
)

func TestDecodeErrorSaysWhereAndWhat(t *testing.T) {
	raw := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawTransport(ParameterSCTP, 1, 7, rawIPv4()), rawRR()))
	_, err := Decode(ASAP, raw.Bytes(), nil)
	var refusal *DecodeError
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	want := DecodeError{
		Protocol: ASAP, Type: TypeRegistration, Offset: 32, Element: "SCTP transport", Field: "transport use", Value: 7, Err: ErrValue,
	}
	if *refusal != want {
		t.Errorf("got %+v\nwant %+v", *refusal, want)
	}
	if _, owed := refusal.Report(); owed {
		t.Error("a report is owed for a known parameter")
	}
}

func TestEncodeErrorSaysWhat(t *testing.T) {
	_, err := Encode(&HandleUpdate{Sender: 1, Action: 9})
	var refusal *EncodeError
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	want := EncodeError{ENRP, TypeHandleUpdate, "message", "update action", 9, ErrValue}
	if *refusal != want {
		t.Errorf("got %+v\nwant %+v", *refusal, want)
	}
}

// The receive buffer is reused before a report is sent.
func TestReportDoesNotDependOnTheBuffer(t *testing.T) {
	for _, raw := range []*Raw{
		RawMessage(TypeCookie).Add(RawParameter(0x4020).Put(1, 2, 3, 4)),
		RawMessage(0x41).Put(1, 2, 3, 4),
	} {
		b := raw.Bytes()
		_, err := Decode(ASAP, b, nil)
		refusal := err.(*DecodeError)
		before, _ := refusal.Report()
		clear(b)
		if after, owed := refusal.Report(); !owed || string(after.Info) != string(before.Info) || after.Info[len(after.Info)-1] != 4 {
			t.Errorf("report %x became %x", before.Info, after.Info)
		}
	}
}
