// SPDX-License-Identifier: Apache-2.0

package wire

import "testing"

func TestCookieEcho(t *testing.T) {
	checkVector(t, "A0c", Strict(), &CookieEcho{Value: []byte("abcd")})
	checkRefused(t, ASAP, Strict(), RawMessage(TypeCookieEcho), ErrMissing, "ASAP_COOKIE_ECHO: cookie at 4: 0xd: missing")
}

func TestCookieEchoOfOddLength(t *testing.T) {
	raw := RawMessage(TypeCookieEcho).Add(RawParameter(ParameterCookie).Put(1, 2, 3))
	m := &CookieEcho{Value: []byte{1, 2, 3}}
	checkDecodes(t, Strict(), raw, m)
	checkBytes(t, Strict(), m, raw)
	checkRefused(t, ASAP, Rsplib(), raw, ErrLength, "ASAP_COOKIE_ECHO: cookie at 4: size 0x3: wrong length")
	checkNotEncoded(t, Rsplib(), m, ErrLength, "encode ASAP_COOKIE_ECHO: cookie: size 0x3: wrong length")
}

func TestCookieEchoFits(t *testing.T) {
	checkNotEncoded(t, Strict(), &CookieEcho{Value: make([]byte, MaxMessageLength-HeaderLength+1)}, ErrTooLarge,
		"encode ASAP_COOKIE_ECHO: cookie: size 0xfffc: too large")
	checkNotEncoded(t, Strict(), &CookieEcho{Value: make([]byte, MaxMessageLength-2*HeaderLength+1)}, ErrTooLarge,
		"encode ASAP_COOKIE_ECHO: message: length 0x10000: too large")
	if b, err := Encode(&CookieEcho{Value: make([]byte, MaxMessageLength-2*HeaderLength)}); err != nil || len(b) != MaxMessageLength+1 {
		t.Errorf("largest: %d bytes, error %v", len(b), err)
	}
}
