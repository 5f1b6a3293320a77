// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// StatementDigest is over what a signed policy says, without its sequence and validity: two
// statements with the same one are the same, however old.
func StatementDigest(s *wire.SignedPolicy) [sha256.Size]byte {
	r := wire.Registration{PoolHandle: wire.PoolHandle{0}, Element: wire.PoolElement{User: s.User, Policy: s.Policy}}
	b, err := r.Append(nil, &wire.Options{ReservedValues: true})
	if err != nil {
		return [sha256.Size]byte{} // it was decoded, so it can be encoded
	}
	return sha256.Sum256(b)
}

// asSigned judges whether an element is shown as it signed (draft section 2.17).
func asSigned(q *PolicyQuery) *PolicyEvidence {
	value := q.Element.SignedPolicy
	switch {
	case len(q.Keys) == 0 && q.Required:
		return &PolicyEvidence{Finding: PolicyNoKey}
	case len(q.Keys) == 0:
		return nil
	case len(value) == 0:
		return &PolicyEvidence{Finding: PolicyMissing}
	}
	signed, err := wire.ParseSignedPolicy(value)
	if err == nil {
		err = byOneOf(q.Keys, q, value)
	}
	if err != nil {
		return &PolicyEvidence{Finding: PolicyForged, Signed: signed, Err: err}
	}
	// The evidence outlives the message.
	signed, _ = wire.ParseSignedPolicy(bytes.Clone(value))
	e := &PolicyEvidence{Signed: signed}
	digest := StatementDigest(&signed)
	newest, newestDigest := q.Seen(signed.Sequence, digest)
	switch {
	case !signed.Says(&q.Element.User, &q.Element.Policy):
		e.Finding = PolicyAltered
	case signed.Policy.Type != q.Policy.Type:
		e.Finding = PolicyOfPool
	case newest > signed.Sequence && newestDigest != digest:
		e.Finding, e.Newer = PolicyRolledBack, newest
	case !q.Now.Before(signed.Expires.Add(policyClockSkew)):
		e.Finding = PolicyExpired
	default:
		return nil
	}
	return e
}

// byOneOf returns nil if one of the keys made the signature, or why the last one did not.
func byOneOf(keys []ed25519.PublicKey, q *PolicyQuery, value []byte) (err error) {
	for _, key := range keys {
		if err = wire.VerifySignedPolicy(key, wire.PoolHandle(q.Pool), q.Element.ID, value); err == nil {
			return nil
		}
	}
	return err
}
