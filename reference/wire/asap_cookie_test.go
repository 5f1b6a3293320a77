// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestCookie(t *testing.T) {
	checkVector(t, "A0b", Strict(), &Cookie{Value: []byte("abcd")})
	checkRefused(t, ASAP, Strict(), RawMessage(TypeCookie), ErrMissing, "ASAP_COOKIE: cookie at 4: 0xd: missing")
}

func TestCookieOfOddLength(t *testing.T) {
	raw := RawMessage(TypeCookie).Add(RawParameter(ParameterCookie).Put(1, 2, 3))
	m := &Cookie{Value: []byte{1, 2, 3}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
	checkRefused(t, ASAP, Rsplib(), raw, ErrLength, "ASAP_COOKIE: cookie at 4: size 0x3: wrong length")
	checkNotEncoded(t, Rsplib(), m, ErrLength, "encode ASAP_COOKIE: cookie: size 0x3: wrong length")
}

func TestCookieFits(t *testing.T) {
	checkNotEncoded(t, Strict(), &Cookie{Value: make([]byte, MaxMessageLength-HeaderLength+1)}, ErrTooLarge,
		"encode ASAP_COOKIE: cookie: size 0xfffc: too large")
	checkNotEncoded(t, Strict(), &Cookie{Value: make([]byte, MaxMessageLength-2*HeaderLength+1)}, ErrTooLarge,
		"encode ASAP_COOKIE: message: length 0x10000: too large")
	if b, err := Encode(&Cookie{Value: make([]byte, MaxMessageLength-2*HeaderLength)}); err != nil || len(b) != MaxMessageLength+1 {
		t.Errorf("largest: %d bytes, error %v", len(b), err)
	}
}
