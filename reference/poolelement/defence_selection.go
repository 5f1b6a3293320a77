// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Verify returns what the proof of a pool user shows, if a registrar showed it this list in
// this epoch, the draw from it is the element id of the pool, and the proof is new (draft
// section 2.17). What is cheap to check comes first.
func (s *Selections) Verify(now time.Time, pool wire.PoolHandle, id wire.PEID, m *wire.SelectionProof) (Selected, error) {
	selected, err := s.verify(now, pool, id, m)
	if err != nil {
		return Selected{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return selected, nil
}

func (s *Selections) verify(at time.Time, pool wire.PoolHandle, id wire.PEID, m *wire.SelectionProof) (Selected, error) {
	if string(m.PoolHandle) != string(pool) || m.PEID != id {
		return Selected{}, fmt.Errorf("%w: it is about %s in pool %s", ErrNotDrawn, m.PEID, m.PoolHandle)
	}
	if m.Counter > s.rules.MaxCounter || m.Attempt > s.rules.MaxAttempt {
		return Selected{}, fmt.Errorf("%w: counter %d, attempt %d", ErrSelectionLimit, m.Counter, m.Attempt)
	}
	ticket, err := wire.ParseSelectionTicket(m.Ticket)
	if err != nil {
		return Selected{}, err
	}
	now, err := s.epoch(at, ticket.Epoch)
	if err != nil {
		return Selected{}, err
	}
	if !ticket.Lists(m.List) {
		return Selected{}, fmt.Errorf("%w: another list", ErrTicket)
	}
	if err := wire.VerifySelectionTicket(s.rules.Keys, pool, m.Ticket); err != nil {
		return Selected{}, errors.Join(ErrTicket, err)
	}
	if err := s.nonce.Check(ticket.Epoch, ticket.Nonce); err != nil {
		return Selected{}, errors.Join(ErrTicket, err)
	}
	list, err := wire.ParseSelectionList(m.List)
	if err != nil {
		return Selected{}, err
	}
	if err := drawn(&ticket, m, list); err != nil {
		return Selected{}, err
	}
	if err := s.remember(now, &ticket, m); err != nil {
		return Selected{}, err
	}
	return Selected{
		Server: ticket.Server, Epoch: ticket.Epoch, Lot: ticket.Lot,
		Counter: m.Counter, Attempt: m.Attempt, Members: len(list),
	}, nil
}

// drawn draws again as the user says it did.
func drawn(ticket *wire.SelectionTicket, m *wire.SelectionProof, list []wire.SelectionEntry) error {
	if len(list) == 0 || !policy.Provable(list[0].Policy.Type) {
		return fmt.Errorf("%w: the list has no random policy", ErrNotDrawn)
	}
	draws := policy.NewDraws(ticket, m.Counter, list[0].Policy.Type, list)
	for {
		attempt := draws.Attempt()
		i, ok := draws.Next()
		if !ok {
			return fmt.Errorf("%w: attempt %d of %d elements", ErrNotDrawn, m.Attempt, len(list))
		}
		if attempt == m.Attempt {
			if list[i].ID != m.PEID {
				return fmt.Errorf("%w: it draws %s", ErrNotDrawn, list[i].ID)
			}
			return nil
		}
	}
}
