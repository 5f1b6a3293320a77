// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// PolicyKeys knows by what keys pool elements sign what they register. It is called for each
// element of a resolution, from many goroutines, and must not block.
type PolicyKeys interface {
	// PolicyKeys returns the keys of an element; none means that it need not sign.
	PolicyKeys(pool string, id wire.PEID) []ed25519.PublicKey
}

// PolicyKey is an entry of a PolicyKeyring.
type PolicyKey struct {
	Pool string
	// ID is the element that signs with the key; 0: every element of the pool may. Then one
	// element can make statements for another, and for elements that are not there.
	ID  wire.PEID
	Key ed25519.PublicKey
}

// PolicyKeyring is a PolicyKeys in memory. It must not be changed while it is in use.
type PolicyKeyring []PolicyKey

// PolicyKeys implements the interface.
func (r PolicyKeyring) PolicyKeys(pool string, id wire.PEID) (keys []ed25519.PublicKey) {
	for _, k := range r {
		if k.Pool == pool && (k.ID == 0 || k.ID == id) {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// SignedPolicies says that pool elements sign what they register, so that a registrar that
// shows something else is found out (draft-ietf-rserpool-threats-15 section 2.17;
// reference/EXTENSIONS.md). Elements that are not shown as they signed are not used.
type SignedPolicies struct {
	// Keys has reached the pool user out of band.
	Keys PolicyKeys
	// Required leaves elements out whose key is not known.
	Required bool
}

// policyClockSkew is how far the clocks of elements and users may be apart: a statement counts
// so much longer.
const policyClockSkew = 30 * time.Second

// ErrPolicy: a registrar showed a pool in which no element is what it signed to be.
var ErrPolicy = errors.New("pooluser: no element is shown as it signed")

// PolicyFinding says what is wrong with an element as a registrar shows it.
type PolicyFinding uint8

// The findings.
const (
	PolicyMissing    PolicyFinding = iota + 1 // it signs, and is shown without its statement
	PolicyForged                              // the statement cannot be read, or is by none of its keys
	PolicyAltered                             // it signed another policy or user transport than is shown
	PolicyExpired                             // the statement no longer counts
	PolicyRolledBack                          // it has said something else since
	PolicyOfPool                              // it signed another policy type than the pool is shown with
	PolicyNoKey                               // its key is not known, and SignedPolicies.Required
)

var findingNames = [...]string{
	PolicyMissing: "missing", PolicyForged: "forged", PolicyAltered: "altered", PolicyExpired: "expired",
	PolicyRolledBack: "rolled-back", PolicyOfPool: "pool-policy", PolicyNoKey: "no-key",
}

// String returns the finding in lower case with hyphens.
func (f PolicyFinding) String() string {
	if int(f) < len(findingNames) && f > 0 {
		return findingNames[f]
	}
	return fmt.Sprintf("finding %d", uint8(f))
}

// PolicyEvidence is what a registrar showed, beside what the element signed. For altered,
// pool-policy and rolled-back the signature proves to everybody who has the element's key that
// the element said so. That the registrar showed something else is the word of the pool user,
// except where the resolution came with a selection ticket, which the registrar has signed.
type PolicyEvidence struct {
	Time     time.Time
	Finding  PolicyFinding
	Pool     string
	Server   Server            // the registrar
	Identity string            // what it authenticated as
	Shown    wire.PoolElement  // as in the response, with the signed policy parameter
	Policy   wire.Policy       // of the pool, as in the response
	Signed   wire.SignedPolicy // the statement, if it could be read
	Newer    uint64            // rolled-back: the sequence of the statement that was seen before
	Ticket   []byte            // the registrar's selection ticket in the response, nil for none
	Err      error             // forged: why
}

// String describes the evidence in one line.
func (e PolicyEvidence) String() string {
	s := fmt.Sprintf("registrar %s shows element %s of pool %s with policy %s: %s", e.Server, e.Shown.ID,
		wire.PoolHandle(e.Pool), e.Shown.Policy.Type, e.Finding)
	switch e.Finding {
	case PolicyAltered, PolicyOfPool:
		s += ", it signed " + e.Signed.Policy.Type.String()
	case PolicyForged:
		s += ", " + e.Err.Error()
	}
	return s
}

// PolicyQuery is an element as a registrar shows it.
type PolicyQuery struct {
	Now     time.Time
	Pool    string
	Policy  wire.Policy // of the pool
	Element *wire.PoolElement
	Keys    []ed25519.PublicKey // of the element
	// Required is that of SignedPolicies.
	Required bool
	// Seen returns the sequence and digest of the newest statement of the element that was
	// seen, and notes this one if it is newer; see StatementDigest.
	Seen func(sequence uint64, digest [sha256.Size]byte) (newest uint64, newestDigest [sha256.Size]byte)
}

// statements remembers the newest statement of each element.
type statements struct {
	mu    sync.Mutex
	limit int
	of    map[elementKey]statement
}

type statement struct {
	sequence uint64
	digest   [sha256.Size]byte
}

// seen is PolicyQuery.Seen. When there is no room, another element is forgotten, and a rollback
// of that would not be noticed.
func (s *statements) seen(key elementKey, sequence uint64, digest [sha256.Size]byte) (uint64, [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest, known := s.of[key]
	if known && newest.sequence >= sequence {
		return newest.sequence, newest.digest
	}
	if !known && len(s.of) >= s.limit {
		for other := range s.of {
			delete(s.of, other)
			break
		}
	}
	s.of[key] = statement{sequence, digest}
	return sequence, digest
}

// vet leaves out of a positive response the elements that are not shown as they signed, and
// tells about each.
func (u *User) vet(m *wire.HandleResolutionResponse, h *home) []PolicyEvidence {
	if u.cfg.SignedPolicies == nil {
		return nil
	}
	var found []PolicyEvidence
	now, pool := time.Now(), string(m.PoolHandle)
	kept := m.Elements[:0]
	for i := range m.Elements {
		e := m.Elements[i]
		q := PolicyQuery{
			Now: now, Pool: pool, Policy: m.Policy, Element: &e,
			Keys: u.cfg.SignedPolicies.Keys.PolicyKeys(pool, e.ID), Required: u.cfg.SignedPolicies.Required,
			Seen: func(sequence uint64, digest [sha256.Size]byte) (uint64, [sha256.Size]byte) {
				return u.statements.seen(elementKey{pool, e.ID}, sequence, digest)
			},
		}
		evidence := u.cfg.Defences.Policy.Judge(&q)
		if evidence == nil {
			kept = append(kept, e)
			continue
		}
		evidence.Time, evidence.Pool, evidence.Server = now, pool, h.candidate.Server
		evidence.Identity = h.assoc.Info().Identity.String()
		evidence.Shown, evidence.Policy, evidence.Ticket = e, m.Policy, m.Ticket
		found = append(found, *evidence)
	}
	m.Elements = kept
	u.accuse(found)
	return found
}

// accuse hands evidence to the application.
func (u *User) accuse(found []PolicyEvidence) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range found {
		u.stats.PoliciesRefused++
		u.log.Warn("policy refused", "evidence", e.String())
		select {
		case u.evidence <- e:
		default:
			u.stats.EvidenceLost++
		}
	}
}

// PolicyEvidence delivers what was found wrong with the elements that registrars show. Who
// does not read loses what is new, which Stats.EvidenceLost counts. It is never closed.
func (u *User) PolicyEvidence() <-chan PolicyEvidence { return u.evidence }
