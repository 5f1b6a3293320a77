// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// SelectionRules say what proofs of selection the element believes (draft-ietf-rserpool-threats-15
// section 2.17; reference/EXTENSIONS.md). Zero limits mean those of DefaultSelectionRules.
type SelectionRules struct {
	Anchor policy.Anchor       // of the registrars' nonces
	Keys   []ed25519.PublicKey // of the registrars
	// Required refuses data of a user that has not proven how it selected the element.
	Required bool
	// MaxAge is how many epochs ago a ticket may be from: as long as users keep resolutions.
	MaxAge uint64
	// MaxCounter is the highest number of a user's selections in an epoch that is believed.
	// A user can choose among so many selections, and needs as many sessions.
	MaxCounter uint32
	// MaxAttempt is how many elements a user may have drawn before, and then passed over.
	MaxAttempt uint32
	// MaxRemembered bounds the proofs that are remembered, so that none counts twice, in one
	// epoch. Further ones are refused.
	MaxRemembered int
}

// DefaultSelectionRules returns the limits that count where none are set.
func DefaultSelectionRules() SelectionRules {
	return SelectionRules{
		MaxAge:        2,
		MaxCounter:    15, // sixteen sessions of one user in an epoch
		MaxAttempt:    3,  // three elements in a row that could not be reached
		MaxRemembered: 100_000,
	}
}

// Errors about proofs of selection. All that Verify returns are ErrRefused as well.
var (
	ErrSelectionRules = errors.New("poolelement: selection rules")
	// ErrUnproven: the user has sent data and no proof.
	ErrUnproven = errors.New("user has not proven how it selected the element")
	// ErrNotDrawn: the proof is about another element, or what it says does not draw this one.
	ErrNotDrawn = errors.New("the selection does not draw this element")
	// ErrTicket: the ticket is not from one of the registrars, or for another list or pool.
	ErrTicket = errors.New("selection ticket is not a registrar's for this list")
	// ErrTicketTime: the ticket is too old, or from the future.
	ErrTicketTime = errors.New("selection ticket is not of this time")
	// ErrSelectionLimit: the counter or attempt is above what is believed.
	ErrSelectionLimit = errors.New("selection above the limits")
	// ErrSelectionReused: the proof has been shown before.
	ErrSelectionReused = errors.New("selection proof has been shown before")
)

// Selected is what a proof of selection shows.
type Selected struct {
	Server  wire.ServerID // the registrar that signed the ticket
	Epoch   uint64
	Lot     [wire.SelectionLotLength]byte // stands for the user in this epoch
	Counter uint32
	Attempt uint32 // elements that the user says it could not use
	Members int    // elements in the list
}

// Selections judges proofs of selection. It may be shared by the elements of one host.
type Selections struct {
	rules SelectionRules
	nonce *policy.NonceChecker

	mu   sync.Mutex
	seen map[uint64]map[selectionKey]struct{} // by epoch
}

// selectionKey is what a user may show to one element once: a selection draws each element once.
type selectionKey struct {
	lot     [wire.SelectionLotLength]byte
	counter uint32
	id      wire.PEID
	pool    string
}

// NewSelections returns a judge, ErrSelectionRules if the rules cannot be applied.
func NewSelections(r SelectionRules) (*Selections, error) {
	d := DefaultSelectionRules()
	if r.MaxAge == 0 {
		r.MaxAge = d.MaxAge
	}
	if r.MaxCounter == 0 {
		r.MaxCounter = d.MaxCounter
	}
	if r.MaxAttempt == 0 {
		r.MaxAttempt = d.MaxAttempt
	}
	if r.MaxRemembered == 0 {
		r.MaxRemembered = d.MaxRemembered
	}
	if len(r.Keys) == 0 {
		return nil, fmt.Errorf("%w: no registrar's key", ErrSelectionRules)
	}
	n, err := policy.NewNonceChecker(r.Anchor)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSelectionRules, err)
	}
	return &Selections{rules: r, nonce: n, seen: make(map[uint64]map[selectionKey]struct{})}, nil
}

// Rules returns the rules with their defaults.
func (s *Selections) Rules() SelectionRules { return s.rules }

// remember notes that a proof was shown and refuses one that was before.
func (s *Selections) remember(now uint64, t *wire.SelectionTicket, m *wire.SelectionProof) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for epoch := range s.seen {
		if epoch+s.rules.MaxAge < now {
			delete(s.seen, epoch)
		}
	}
	shown := s.seen[t.Epoch]
	if shown == nil {
		shown = make(map[selectionKey]struct{})
		s.seen[t.Epoch] = shown
	}
	key := selectionKey{t.Lot, m.Counter, m.PEID, string(m.PoolHandle)}
	if _, twice := shown[key]; twice {
		return ErrSelectionReused
	}
	if len(shown) >= s.rules.MaxRemembered {
		return fmt.Errorf("%w: %d proofs in epoch %d", ErrSelectionLimit, len(shown), t.Epoch)
	}
	shown[key] = struct{}{}
	return nil
}

// epoch tells which epoch it is, and whether a ticket of another one still or already counts.
func (s *Selections) epoch(at time.Time, ticket uint64) (now uint64, err error) {
	anchor := s.nonce.Anchor()
	now, _ = anchor.Epoch(at)
	// One epoch ahead: the registrar's clock may be.
	if ticket > now+1 || ticket+s.rules.MaxAge < now {
		return now, fmt.Errorf("%w: epoch %d, now %d", ErrTicketTime, ticket, now)
	}
	return now, nil
}
