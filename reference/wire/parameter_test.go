// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"errors"
	"testing"
)

// places builds a message with a parameter put at every level where parameters
// stand, and names its offset.
func places(p *Raw) map[string]struct {
	message *Raw
	offset  int
} {
	type place = struct {
		message *Raw
		offset  int
	}
	registration := func(parts ...*Raw) *Raw { return RawMessage(TypeRegistration).Add(parts...) }
	return map[string]place{
		"first":              {registration(p, rawHandle(), rawElement(rawSCTP(), rawRR())), 4},
		"between parameters": {registration(rawHandle(), p, rawElement(rawSCTP(), rawRR())), 16},
		"last":               {registration(rawHandle(), rawElement(rawSCTP(), rawRR()), p), 56},
		"in the element":     {registration(rawHandle(), rawElement(p, rawSCTP(), rawRR())), 32},
		"in the transport":   {registration(rawHandle(), rawElement(rawTransport(ParameterSCTP, 4711, 0, p, rawIPv4()), rawRR())), 40},
	}
}

// The four rules of RFC 5354 section 3.
func TestUnknownParameterRules(t *testing.T) {
	for _, c := range []struct {
		typ               ParameterType
		skipped, reported bool
	}{
		{0x0000, false, false}, // reserved, and of the rule 00
		{0x0011, false, false},
		{0x3fff, false, false},
		{0x4000, false, true},
		{0x4020, false, true},
		{0x7fff, false, true},
		{0x8000, true, false},
		{0x803f, true, false}, // the handle resolution option, if not asked for
		{0xbfff, true, false},
		{0xc000, true, true},
		{0xfffe, true, true},
		{0xffff, true, true}, // reserved, and of the rule 11
		// rsplib takes these for an IPv4 address.
		{0x4001, false, true},
		{0x8001, true, false},
		{0xc001, true, true},
	} {
		parameter := RawParameter(c.typ).Put(1, 2, 3, 4, 5)
		tlv := parameter.Bytes()[:9]
		for name, place := range places(parameter) {
			m, err := Decode(ASAP, place.message.Bytes(), nil)
			if !c.skipped {
				var refusal *DecodeError
				if !errors.As(err, &refusal) || !errors.Is(err, ErrUnknownParameter) ||
					refusal.Offset != place.offset || refusal.Value != uint64(c.typ) {
					t.Fatalf("0x%04x %s: error %v", c.typ, name, err)
				}
				cause, owed := refusal.Report()
				if owed != c.reported || owed && (cause.Code != CauseUnrecognizedParameter || !bytes.Equal(cause.Info, tlv)) {
					t.Errorf("0x%04x %s: owed %v: %v", c.typ, name, owed, cause)
				}
				continue
			}
			if err != nil {
				t.Fatalf("0x%04x %s: error %v", c.typ, name, err)
			}
			if want := (&Registration{PoolHandle: testHandle, Element: testElement(ownServer)}); !same(m, want) {
				t.Errorf("0x%04x %s: got %+v", c.typ, name, m)
			}
			skipped := m.Unrecognized()
			if len(skipped) != 1 || skipped[0].Report() != c.reported || !skipped[0].Skip() ||
				!bytes.Equal(CauseOfParameter(skipped[0]).Info, tlv) {
				t.Errorf("0x%04x %s: skipped %v", c.typ, name, skipped)
			}
		}
	}
}

func TestUnknownParameterIsReportedOnlyIfItFits(t *testing.T) {
	report := func(size int) (Cause, bool) {
		_, err := Decode(ASAP, RawMessage(TypeCookie).Add(RawParameter(0x4020).Put(make([]byte, size)...)).Bytes(), nil)
		var refusal *DecodeError
		if !errors.As(err, &refusal) {
			t.Fatal(err)
		}
		return refusal.Report()
	}
	cause, owed := report(maxReport - HeaderLength)
	if !owed {
		t.Fatal("largest one is not reported")
	}
	if _, err := Encode(&ENRPError{Sender: 1, Causes: []Cause{cause}}); err != nil {
		t.Error(err)
	}
	if _, owed := report(maxReport - HeaderLength + 1); owed {
		t.Error("reports what does not fit")
	}
}

func TestSkippedParametersAreRememberedUpToALimit(t *testing.T) {
	raw := RawMessage(TypeCookie).Add(rawCookie())
	for range 1000 {
		raw.Add(RawParameter(0xc000))
	}
	b := raw.Bytes()
	if n := len(decodeOK(t, ASAP, Strict(), b).Unrecognized()); n != DefaultMaxUnrecognized {
		t.Errorf("%d remembered", n)
	}
	o := with(func(o *Options) { o.MaxUnrecognized = 3 })
	if n := len(decodeOK(t, ASAP, o, b).Unrecognized()); n != 3 {
		t.Errorf("%d remembered", n)
	}
}

func TestSkippedParametersAreOfTheLastMessage(t *testing.T) {
	var m Cookie
	if err := m.Decode(RawMessage(TypeCookie).Add(rawCookie(), RawParameter(0xc000)).Bytes(), nil); err != nil || len(m.Unrecognized()) != 1 {
		t.Fatalf("%v, %v", err, m.Unrecognized())
	}
	if err := m.Decode(RawMessage(TypeCookie).Add(rawCookie()).Bytes(), nil); err != nil || len(m.Unrecognized()) != 0 {
		t.Errorf("%v, %v", err, m.Unrecognized())
	}
}

func TestParameterLengths(t *testing.T) {
	for _, c := range []struct {
		raw  *Raw
		err  error
		want string
	}{
		{RawMessage(TypeCookie).Add(rawCookie().Length(3)), ErrLength, "cookie at 4: length 0x3: wrong length"},
		{RawMessage(TypeCookie).Add(rawCookie().Length(0)), ErrLength, "cookie at 4: length 0x0: wrong length"},
		{RawMessage(TypeCookie).Add(rawCookie().AddLength(1)), ErrTruncated, "cookie at 4: length 0x9: truncated"},
		{RawMessage(TypeCookie).Add(rawCookie().Length(0xffff)), ErrTruncated, "cookie at 4: length 0xffff: truncated"},
		{RawMessage(TypeCookie).Add(rawCookie()).Put(0, 13, 0), ErrTruncated, "parameter at 12: header 0x3: truncated"},
		{RawMessage(TypeCookie).Add(RawParameter(0xc000).AddLength(8), rawCookie()), ErrMissing, "cookie at 16: 0xd: missing"},
		{RawMessage(TypeCookie).Add(RawParameter(0xc000).Length(2)), ErrLength, "parameter 0xc000 at 4: length 0x2: wrong length"},
	} {
		checkRefused(t, ASAP, Lenient(), c.raw, c.err, "ASAP_COOKIE: "+c.want)
	}
}

func TestParameterPaddingIsIgnored(t *testing.T) {
	raw := RawMessage(TypeCookie).Add(RawParameter(0x8000).Put(1).Padding(0xff, 0xff, 0xff), rawCookie())
	checkDecodes(t, Strict(), raw, &Cookie{Value: []byte{1, 2, 3, 4}})
}

// RFC 5354 table 1.
func TestParameterTypes(t *testing.T) {
	for typ, want := range map[ParameterType]string{
		0x1: "IPv4 address", 0x2: "IPv6 address", 0x3: "DCCP transport", 0x4: "SCTP transport", 0x5: "TCP transport",
		0x6: "UDP transport", 0x7: "UDP-Lite transport", 0x8: "policy", 0x9: "pool handle", 0xa: "pool element",
		0xb: "server information", 0xc: "operation error", 0xd: "cookie", 0xe: "PE identifier", 0xf: "PE checksum",
		0x10: "opaque transport", 0x803f: "handle resolution option", 0x0: "parameter", 0x11: "parameter 0x0011",
	} {
		if got := ParameterName(typ); got != want {
			t.Errorf("0x%x is %s, want %s", typ, got, want)
		}
	}
	for i, typ := range []ParameterType{
		ParameterIPv4, ParameterIPv6, ParameterDCCP, ParameterSCTP, ParameterTCP, ParameterUDP, ParameterUDPLite,
		ParameterPolicy, ParameterPoolHandle, ParameterPoolElement, ParameterServerInformation, ParameterOperationError,
		ParameterCookie, ParameterPEIdentifier, ParameterPEChecksum, ParameterOpaque,
	} {
		if int(typ) != i+1 {
			t.Errorf("%s is 0x%x", ParameterName(typ), typ)
		}
	}
}
