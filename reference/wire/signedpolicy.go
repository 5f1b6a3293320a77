// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// SignedPolicy is what a pool element says of itself under its own signature, so that no
// registrar on the way can say something else of it (draft-ietf-rserpool-threats-15 section
// 2.17). The parameter's value is
//
//	0      algorithm, 16 bits: 1 is Ed25519 (RFC 8032)
//	2      reserved, 16 bits: 0
//	4      key identifier, 32 bits, see PolicyKeyID
//	8      sequence, 64 bits: each statement of an element has a larger one than the last
//	16     expires, 64 bits: Unix seconds
//	24     user transport parameter, then policy parameter, both with their padding
//	...    signature, 64 octets
//
// all of it big endian. What is signed is the label "rspthreat signed policy 1", the length
// of the pool handle in 16 bits, the pool handle, the PE identifier in 32 bits, and the value
// before the signature. Home server, registration life and ASAP transport are not part of it:
// registrars fill them in, and a takeover changes them.
type SignedPolicy struct {
	KeyID    uint32
	Sequence uint64
	Expires  time.Time // in whole seconds
	User     Transport
	Policy   Policy
}

// Sizes and numbers of a signed policy.
const (
	policyLabel        = "rspthreat signed policy 1"
	signedPolicyFixed  = 24
	algorithmEd25519   = 1
	leastSignedPolicy  = signedPolicyFixed + ed25519.SignatureSize
	mostSignedSeconds  = 1<<62 - 1 // time.Unix takes more and then wraps around
	signedPolicySpread = 2         // transport and policy

	// MaxSignedPolicy is the longest value of a signed policy parameter in octets: room for a
	// user transport with tens of addresses. Registrars keep it, so it must not be a store.
	MaxSignedPolicy = 1024
)

// Errors about signed policies and selection proofs.
var (
	// ErrExtension is wrapped by errors about the content of an experimental parameter.
	ErrExtension = errors.New("wire: experimental parameter")
	// ErrSignature means a signature that its key has not made for this content.
	ErrSignature = errors.New("wire: wrong signature")
)

// PolicyKeyID returns the identifier of a public key: the first four octets of its SHA-256.
// It tells apart the keys of one element while they change, and proves nothing.
func PolicyKeyID(key ed25519.PublicKey) uint32 {
	sum := sha256.Sum256(key)
	return binary.BigEndian.Uint32(sum[:])
}

// Sign returns the value of a signed policy parameter for the element id of a pool. KeyID is
// that of the key, whatever s says. Transport and policy are written as the strict options
// have them; the error is an *EncodeError.
func (s *SignedPolicy) Sign(key ed25519.PrivateKey, pool PoolHandle, id PEID) ([]byte, error) {
	w := writer{o: &strict, protocol: ASAP, typ: TypeRegistration}
	w.word16(algorithmEd25519)
	w.word16(0)
	w.word(PolicyKeyID(key.Public().(ed25519.PublicKey)))
	w.b = binary.BigEndian.AppendUint64(w.b, s.Sequence)
	w.b = binary.BigEndian.AppendUint64(w.b, uint64(s.Expires.Unix()))
	user := s.User
	if user.Kind == TransportTCP {
		user.Use = DataOnly // reserved on the wire, and not everybody reads it
	}
	w.transport(&user)
	w.policy(&s.Policy)
	w.pad()
	if n := len(w.b) + ed25519.SignatureSize; n > MaxSignedPolicy {
		w.fail("signed policy", "size", uint64(n), ErrTooLarge)
	}
	if w.err != nil {
		return nil, w.err
	}
	return append(w.b, ed25519.Sign(key, policyStatement(pool, id, w.b))...), nil
}

// policyStatement is what is signed.
func policyStatement(pool PoolHandle, id PEID, before []byte) []byte {
	b := append(make([]byte, 0, len(policyLabel)+2+len(pool)+4+len(before)), policyLabel...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(pool)))
	b = append(b, pool...)
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	return append(b, before...)
}

// ParseSignedPolicy reads the value of a signed policy parameter, of which the result aliases
// parts. It does not look at the signature. The error wraps ErrExtension.
func ParseSignedPolicy(value []byte) (SignedPolicy, error) {
	if len(value) < leastSignedPolicy || len(value) > MaxSignedPolicy {
		return SignedPolicy{}, fmt.Errorf("%w: signed policy of %d octets", ErrExtension, len(value))
	}
	if a := binary.BigEndian.Uint16(value); a != algorithmEd25519 {
		return SignedPolicy{}, fmt.Errorf("%w: signed policy with algorithm %d", ErrExtension, a)
	}
	expires := binary.BigEndian.Uint64(value[16:])
	if expires > mostSignedSeconds {
		return SignedPolicy{}, fmt.Errorf("%w: signed policy expires at 0x%x", ErrExtension, expires)
	}
	s := SignedPolicy{
		KeyID: binary.BigEndian.Uint32(value[4:]), Sequence: binary.BigEndian.Uint64(value[8:]),
		Expires: time.Unix(int64(expires), 0),
	}
	var skip skipped
	r := reader{b: value[:len(value)-ed25519.SignatureSize], o: &strict, skipped: &skip, protocol: ASAP, typ: TypeRegistration}
	parts := span{pos: signedPolicyFixed, end: len(r.b)}
	count := 0
	for t, ok := r.next(&parts); ok; t, ok = r.next(&parts) {
		switch count++; {
		case count == 1 && isTransport(t.typ):
			r.transport(t, &s.User)
		case count == signedPolicySpread && t.typ == ParameterPolicy:
			r.policy(t, &s.Policy)
		default:
			r.fail(t.at, ParameterName(t.typ), "", uint64(t.typ), ErrOrder)
		}
	}
	if count < signedPolicySpread {
		r.fail(parts.end, "signed policy", "", uint64(count), ErrMissing)
	}
	if r.err != nil {
		return SignedPolicy{}, fmt.Errorf("%w: signed policy: %w", ErrExtension, r.err)
	}
	return s, nil
}

// VerifySignedPolicy tells whether the key signed the value of a signed policy parameter for
// the element id of a pool: ErrSignature if not, ErrExtension if it is too short to say so.
func VerifySignedPolicy(key ed25519.PublicKey, pool PoolHandle, id PEID, value []byte) error {
	n := len(value) - ed25519.SignatureSize
	if n < signedPolicyFixed {
		return fmt.Errorf("%w: signed policy of %d octets", ErrExtension, len(value))
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, policyStatement(pool, id, value[:n]), value[n:]) {
		return fmt.Errorf("%w of pool %s, element %s", ErrSignature, pool, id)
	}
	return nil
}

// Says tells whether the statement says this of the user transport and policy of an element.
func (s *SignedPolicy) Says(user *Transport, policy *Policy) bool {
	a, b := s.User, *user
	if a.Kind == TransportTCP {
		a.Use, b.Use = DataOnly, DataOnly // see Sign
	}
	return a.equal(&b) && s.Policy.equal(policy)
}

// signedPolicy decodes a signed policy parameter.
func (r *reader) signedPolicy(t tlv) []byte {
	if n := t.end - t.pos; n == 0 || n > MaxSignedPolicy {
		r.fail(t.at, "signed policy", "length", uint64(t.end-t.at), ErrLength)
		return nil
	}
	return r.value(t)
}

// signedPolicy encodes a signed policy parameter, unless there is none.
func (w *writer) signedPolicy(value []byte) {
	switch {
	case len(value) > MaxSignedPolicy:
		w.fail("signed policy", "size", uint64(len(value)), ErrTooLarge)
	case len(value) > 0:
		w.bytes(ParameterSignedPolicy, "signed policy", value)
	}
}
