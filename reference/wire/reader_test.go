// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestMessageHeader(t *testing.T) {
	cookie := func() *Raw { return RawMessage(TypeCookie).Add(rawCookie()) }
	for _, c := range []struct {
		raw  *Raw
		err  error
		want string
	}{
		{RawBytes(), ErrTruncated, "asap message 0x00: message at 0: header 0x0: truncated"},
		{RawBytes(TypeCookie, 0, 0), ErrTruncated, "ASAP_COOKIE: message at 0: header 0x3: truncated"},
		{cookie().Length(3), ErrLength, "ASAP_COOKIE: message at 0: length 0x3: wrong length"},
		{cookie().AddLength(1), ErrTruncated, "ASAP_COOKIE: message at 0: length 0xd: truncated"},
		{cookie().Trailing(0), ErrTrailing, "ASAP_COOKIE: message at 12: end 0x1: trailing bytes"},
		{cookie().Trailing(0, 0, 0, 0), ErrTrailing, "ASAP_COOKIE: message at 12: end 0x4: trailing bytes"},
	} {
		checkRefused(t, ASAP, Strict(), c.raw, c.err, c.want)
	}
	checkDecodes(t, Lenient(), cookie().Trailing(1, 2, 3, 4, 5), &Cookie{Value: []byte{1, 2, 3, 4}})
	checkDecodes(t, Strict(), cookie().Flags(0xff), &Cookie{Value: []byte{1, 2, 3, 4}})
}

func TestMessageIsDecodedOnlyAsItsOwnType(t *testing.T) {
	err := new(CookieEcho).Decode(vectorBytes(t, "A0b"), nil)
	if want := "ASAP_COOKIE_ECHO: message at 0: type 0xb: illegal value"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// A handle of five bytes needs three of padding, which either reading of RFC
// 5354 counts or not, in the message and in what nests.
func TestFinalPadding(t *testing.T) {
	handle := RawParameter(ParameterPoolHandle).Put([]byte("abcde")...)
	m := &HandleResolution{PoolHandle: PoolHandle("abcde")}
	excluded, included := RawMessage(TypeHandleResolution).Add(handle), RawMessage(TypeHandleResolution).CoverPadding().Add(handle)
	if n := [2]byte{excluded.Bytes()[3], included.Bytes()[3]}; n != [2]byte{13, 16} {
		t.Fatalf("lengths %v", n)
	}
	only := with(func(o *Options) { o.FinalPadding = PaddingExcluded })
	checkDecodes(t, Strict(), excluded, m)
	checkDecodes(t, Strict(), included, m)
	checkDecodes(t, only, excluded, m)
	checkRefused(t, ASAP, only, included, ErrLength, "ASAP_HANDLE_RESOLUTION: pool handle at 4: padding 0x3: wrong length")
	checkBytes(t, Strict(), m, excluded)
	checkBytes(t, only, m, excluded)
	checkBytes(t, Rsplib(), m, included)
	checkRefused(t, ASAP, Strict(), RawMessage(TypeHandleResolution).Add(handle).AddLength(1), ErrLength,
		"ASAP_HANDLE_RESOLUTION: pool handle at 4: padding 0x1: wrong length")
}

func TestFinalPaddingOfNestingParameters(t *testing.T) {
	private := RawParameter(ParameterPolicy).Put32(0x80000001).Put(1)
	m := &Registration{PoolHandle: testHandle, Element: testElement(ownServer)}
	m.Element.Policy = Policy{Type: 0x80000001, Data: []byte{1}}
	excluded := RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), private))
	included := RawMessage(TypeRegistration).CoverPadding().Add(rawHandle(), rawElement(rawSCTP(), private).CoverPadding())
	checkDecodes(t, Strict(), excluded, m)
	checkDecodes(t, Strict(), included, m)
	checkBytes(t, Strict(), m, excluded)
	o := with(func(o *Options) { o.FinalPadding = PaddingIncluded })
	checkBytes(t, o, m, included)
	o.FinalPadding = PaddingExcluded
	checkRefused(t, ASAP, o, included, ErrLength, "ASAP_REGISTRATION: policy at 48: padding 0x3: wrong length")
}

func TestMissingFinalPadding(t *testing.T) {
	raw := RawMessage(TypeCookie).Padding().Add(RawParameter(ParameterCookie).Put(1).Padding())
	checkRefused(t, ASAP, Strict(), raw, ErrTruncated, "ASAP_COOKIE: message at 9: padding 0x0: truncated")
	checkDecodes(t, Lenient(), raw, &Cookie{Value: []byte{1}})
}

func TestUnknownMessages(t *testing.T) {
	for _, c := range []struct {
		p    Protocol
		typ  uint8
		owed bool
		want string
	}{
		{ASAP, 0x00, false, "asap message 0x00: message at 0: type 0x0: unknown message type"},
		{ASAP, 0x0f, false, "asap message 0x0f: message at 0: type 0xf: unknown message type"},
		{ENRP, 0x0b, false, "enrp message 0x0b: message at 0: type 0xb: unknown message type"},
		{ASAP, 0x40, true, "asap message 0x40: message at 0: type 0x40: unknown message type"},
		{ENRP, 0x7f, true, "enrp message 0x7f: message at 0: type 0x7f: unknown message type"},
		{ENRP, 0x80, false, "enrp message 0x80: message at 0: type 0x80: unknown message type"}, // reserved rule
		{ASAP, 0xff, false, "asap message 0xff: message at 0: type 0xff: unknown message type"}, // reserved rule and type
		{0, 0x01, false, "protocol 0 message 0x01: message at 0: type 0x1: unknown message type"},
	} {
		raw := RawMessage(c.typ).Put(1, 2, 3)
		checkRefused(t, c.p, Strict(), raw, ErrUnknownMessage, c.want)
		_, err := Decode(c.p, raw.Bytes(), nil)
		cause, owed := err.(*DecodeError).Report()
		if owed != c.owed || owed && (cause.Code != CauseUnrecognizedMessage || string(cause.Info) != string(raw.Bytes()[:7])) {
			t.Errorf("%v 0x%02x: owed %v %v", c.p, c.typ, owed, cause)
		}
	}
}

func TestMalformedUnknownMessageIsNotReported(t *testing.T) {
	checkRefused(t, ASAP, Strict(), RawMessage(0x41).Length(2), ErrLength, "asap message 0x41: message at 0: length 0x2: wrong length")
	_, err := Decode(ASAP, RawMessage(0x41).AddLength(1).Bytes(), nil)
	if _, owed := err.(*DecodeError).Report(); owed {
		t.Error("reports a truncated message")
	}
}
