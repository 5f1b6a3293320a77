// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/ed25519"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// vectorPolicy is what the vector's element signs.
func vectorPolicy() SignedPolicy {
	return SignedPolicy{
		KeyID: 0x56475aa7, Sequence: 0x0102030405060708, Expires: time.Unix(1_800_000_000, 0),
		User:   Transport{Kind: TransportTCP, Port: 4711, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
		Policy: Policy{Type: WeightedRandom, Weight: 7},
	}
}

func TestSignedPolicyVector(t *testing.T) {
	value, want := extensionVector(t, "signed-policy"), vectorPolicy()
	key := ed25519.PublicKey(extensionVector(t, "element-key"))
	if err := VerifySignedPolicy(key, testHandle, testPE, value); err != nil {
		t.Error(err)
	}
	got, err := ParseSignedPolicy(value)
	if err != nil || got.KeyID != want.KeyID || got.Sequence != want.Sequence || !got.Expires.Equal(want.Expires) ||
		!got.Says(&want.User, &want.Policy) {
		t.Errorf("read %+v, %v", got, err)
	}
	// Ed25519 is deterministic (RFC 8032): the same statement has the same signature.
	signed, err := want.Sign(testKey(0), testHandle, testPE)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "signed", signed, value)
	opensslAgrees(t, key, policyStatement(testHandle, testPE, signed[:len(signed)-64]), signed[len(signed)-64:])
}

func TestSignedPolicyIsCarriedAsItIs(t *testing.T) {
	b := extensionVector(t, "registration")
	m := decodeOK(t, ASAP, Strict(), b).(*Registration)
	checkSame(t, "carried", m.Element.SignedPolicy, extensionVector(t, "signed-policy"))
	if len(m.Unrecognized()) != 0 {
		t.Errorf("unrecognized %+v", m.Unrecognized())
	}
	again, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "encoded", again, b)
	update := &HandleUpdate{Sender: peerServer, PoolHandle: testHandle, Element: m.Element}
	if b, err = Encode(update); err != nil {
		t.Fatal(err)
	}
	checkSame(t, "update", decodeOK(t, ENRP, Strict(), b).(*HandleUpdate).Element.SignedPolicy, m.Element.SignedPolicy)
}

// Everything that the statement says is covered by the signature: each bit of it, the pool and
// the element.
func TestSignedPolicyCoversAll(t *testing.T) {
	value, key := extensionVector(t, "signed-policy"), ed25519.PublicKey(extensionVector(t, "element-key"))
	for i := range value {
		value[i] ^= 0x10
		if err := VerifySignedPolicy(key, testHandle, testPE, value); !errors.Is(err, ErrSignature) {
			t.Errorf("octet %d changed: %v", i, err)
		}
		value[i] ^= 0x10
	}
	for _, err := range []error{
		VerifySignedPolicy(key, testHandle, testPE+1, value),
		VerifySignedPolicy(key, PoolHandle("EchoPoo"), testPE, value),
		VerifySignedPolicy(testKey(1).Public().(ed25519.PublicKey), testHandle, testPE, value),
		VerifySignedPolicy(nil, testHandle, testPE, value),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("got %v", err)
		}
	}
	if err := VerifySignedPolicy(key, testHandle, testPE, value[:64+signedPolicyFixed-1]); !errors.Is(err, ErrExtension) {
		t.Errorf("short: %v", err)
	}
}

func TestSignedPolicyRefusals(t *testing.T) {
	value := extensionVector(t, "signed-policy")
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), value...)) }
	for name, b := range map[string][]byte{
		"empty":             {},
		"no signature":      value[:len(value)-64],
		"other algorithm":   change(func(b []byte) []byte { b[1] = 2; return b }),
		"time overflow":     change(func(b []byte) []byte { b[16] = 0xff; return b }),
		"no policy":         append(append([]byte(nil), value[:40]...), value[52:]...),
		"policy first":      append(append(append([]byte(nil), value[:24]...), value[40:52]...), append(append([]byte(nil), value[24:40]...), value[52:]...)...),
		"trailing":          append(append([]byte(nil), value[:52]...), append([]byte{0, 8, 0, 8, 0, 0, 0, 1}, value[52:]...)...),
		"too long":          make([]byte, MaxSignedPolicy+1),
		"truncated content": change(func(b []byte) []byte { b[27] = 0xff; return b }),
	} {
		if _, err := ParseSignedPolicy(b); !errors.Is(err, ErrExtension) {
			t.Errorf("%s: %v", name, err)
		}
	}
	raw := func(n int) *Raw {
		return RawMessage(TypeRegistration).Add(rawHandle(), rawElement(rawSCTP(), rawRR(), RawParameter(ParameterSignedPolicy).Put(make([]byte, n)...)))
	}
	checkRefused(t, ASAP, Strict(), raw(0), ErrLength, "ASAP_REGISTRATION: signed policy at 56: length 0x4: wrong length")
	checkRefused(t, ASAP, Strict(), raw(MaxSignedPolicy+1), ErrLength, "ASAP_REGISTRATION: signed policy at 56: length 0x405: wrong length")
	twice := rawElement(rawSCTP(), rawRR(), RawParameter(ParameterSignedPolicy).Put(1), RawParameter(ParameterSignedPolicy).Put(1))
	checkRefused(t, ASAP, Strict(), RawMessage(TypeRegistration).Add(rawHandle(), twice), ErrOrder,
		"ASAP_REGISTRATION: signed policy at 64: 0xbffd: not allowed here")
	m := &Registration{PoolHandle: testHandle, Element: testElement(0)}
	m.Element.SignedPolicy = make([]byte, MaxSignedPolicy+1)
	checkNotEncoded(t, Strict(), m, ErrTooLarge, "encode ASAP_REGISTRATION: signed policy: size 0x401: too large")
}

// The two octets after the port of a TCP transport are reserved for some and a use for others.
func TestSignedPolicyDoesNotDependOnTheTCPUse(t *testing.T) {
	s := vectorPolicy()
	s.User.Use = DataAndControl
	signed, err := s.Sign(testKey(0), testHandle, testPE)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, "signed", signed, extensionVector(t, "signed-policy"))
	if plain := vectorPolicy(); !s.Says(&plain.User, &plain.Policy) {
		t.Error("the same element is another one without use")
	}
}

func TestSignedPolicyTooLargeToSign(t *testing.T) {
	s := vectorPolicy()
	s.User = Transport{Kind: TransportOpaque, Opaque: make([]byte, MaxSignedPolicy)}
	if _, err := s.Sign(testKey(0), testHandle, testPE); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzParseSignedPolicy(f *testing.F) {
	f.Add(extensionVector(f, "signed-policy"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := ParseSignedPolicy(b); err != nil && !errors.Is(err, ErrExtension) {
			t.Error(err)
		}
	})
}
