// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// DefaultPolicyValidity is how long a signed policy counts: three times the longest time
// between two registrations (T4), so that one that is lost does not make it expire, and short
// enough that a policy that was given up cannot be shown for long.
const DefaultPolicyValidity = 30 * time.Minute

// ErrPolicySigner is wrapped by errors about a PolicySigner.
var ErrPolicySigner = errors.New("poolelement: policy signer")

// PolicySigner signs what the element registers, so that pool users can hold it against what a
// registrar shows them (draft-ietf-rserpool-threats-15 section 2.17; reference/EXTENSIONS.md).
// Registrars and users that do not know the parameter skip it. It may be shared by elements.
type PolicySigner struct {
	// Validity is how long a statement counts; 0: DefaultPolicyValidity. It must be longer
	// than the time between two registrations.
	Validity time.Duration

	key ed25519.PrivateKey

	mu   sync.Mutex
	last uint64 // sequence
}

// NewPolicySigner returns a signer with an Ed25519 key, ErrPolicySigner for anything else.
func NewPolicySigner(key ed25519.PrivateKey) (*PolicySigner, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("%w: key of %d octets", ErrPolicySigner, len(key))
	}
	return &PolicySigner{key: key}, nil
}

// Sign adds the element's statement to what it registers in a pool. Sequences are the time in
// nanoseconds since 1970, so that they go on after a restart.
func (s *PolicySigner) Sign(now time.Time, pool wire.PoolHandle, pe *wire.PoolElement) error {
	validity := s.Validity
	if validity == 0 {
		validity = DefaultPolicyValidity
	}
	s.mu.Lock()
	s.last = max(s.last+1, uint64(now.UnixNano()))
	statement := wire.SignedPolicy{Sequence: s.last, Expires: now.Add(validity), User: pe.User, Policy: pe.Policy}
	s.mu.Unlock()
	value, err := statement.Sign(s.key, pool, pe.ID)
	if err != nil {
		return fmt.Errorf("%w: pool %s: %w", ErrPolicySigner, pool, err)
	}
	pe.SignedPolicy = value
	return nil
}
