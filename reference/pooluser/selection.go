// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"context"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// provable is what a registrar signed about a resolution, so that selections from it can be
// proven (draft section 2.17).
type provable struct {
	ticket  wire.SelectionTicket
	signed  []byte // the parameter's value
	list    []byte // what was shown, also of elements that are not used
	entries []wire.SelectionEntry
}

// provableOf returns what comes with a response, nil without a ticket that fits.
func (u *User) provableOf(m *wire.HandleResolutionResponse) *provable {
	if !u.cfg.ProveSelection || len(m.Ticket) == 0 || !policy.Provable(m.Policy.Type) {
		return nil
	}
	p := &provable{signed: m.Ticket}
	var err error
	if p.ticket, err = wire.ParseSelectionTicket(m.Ticket); err == nil {
		p.list, err = wire.SelectionList(m.Elements)
	}
	if err == nil {
		p.entries, err = wire.ParseSelectionList(p.list)
	}
	if err != nil || !p.ticket.Lists(p.list) {
		u.log.Warn("selection ticket is not for what it came with", "pool", m.PoolHandle.String(), "error", err)
		return nil
	}
	return p
}

// lot counts the selections that were made with a lot.
type lot struct {
	value [wire.SelectionLotLength]byte
	next  uint32
}

// draw begins a selection. It goes on counting when the pool was resolved again in the same
// epoch, because each selection may be shown once. The caller holds u.mu.
func (u *User) draw(pool string, e *entry) (*policy.Draws, uint32) {
	l, known := u.lots[pool]
	if !known && len(u.lots) >= u.cfg.Limits.CachedPools {
		for other := range u.lots {
			delete(u.lots, other)
			break
		}
	}
	if l.value != e.provable.ticket.Lot {
		l = lot{value: e.provable.ticket.Lot}
	}
	counter := l.next
	l.next++
	u.lots[pool] = l
	return policy.NewDraws(&e.provable.ticket, counter, e.policy.Type, e.provable.entries), counter
}

// drawn selects an element as it is drawn, passing over those that cannot be used. It returns
// nil when all are drawn. The caller holds User.mu.
func (f *search) drawn() (*wire.PoolElement, *wire.SelectionProof) {
	p := f.entry.provable
	if f.draws == nil {
		f.draws, f.counter = f.s.u.draw(f.s.pool, f.entry)
	}
	for {
		attempt := f.draws.Attempt()
		i, ok := f.draws.Next()
		if !ok {
			return nil, nil
		}
		if e := f.entry.find(p.entries[i].ID, f.avoid); e != nil {
			return e, &wire.SelectionProof{
				Counter: f.counter, Attempt: attempt,
				PoolHandle: wire.PoolHandle(f.s.pool), PEID: e.ID, Ticket: p.signed, List: p.list,
			}
		}
	}
}

// prove shows an element how it was selected, before anything else goes to it.
func (s *Session) prove(ctx context.Context, l *link, proof *wire.SelectionProof) error {
	if proof == nil || !controls(&l.element.User) {
		return nil
	}
	if err := l.channel.SendControl(ctx, proof); err != nil {
		l.breakOff(err)
		s.u.unreachable(s.pool, l.element.ID)
		return err
	}
	s.u.count(func(st *Stats) { st.Proofs++ })
	return nil
}
