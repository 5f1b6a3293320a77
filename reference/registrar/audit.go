// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// audit compares the PE checksum of a peer with ours of its elements (RFC 5353 section
// 3.6.1) and begins a re-synchronization when they differ. There is one at a time with each
// peer; if it fails, the next presence begins another.
func (r *Registrar) audit(s *session, p *peer, checksum uint16) {
	ours := r.space.Checksum(p.id)
	if !r.ready || p.auditing || checksum == ours {
		return
	}
	r.log.Info("checksums differ", "peer", p.id.String(), "theirs", checksum, "ours", ours)
	p.auditing = true
	r.stats.Audits++
	r.space.Mark(p.id)
	r.wg.Go(func() { r.resynchronize(r.ctx, s, p) })
}

// resynchronize downloads a peer's own elements and removes what it no longer has (RFC 5353
// section 3.6.3).
func (r *Registrar) resynchronize(ctx context.Context, s *session, p *peer) {
	err := r.download(ctx, s, p.id, true, func(pools []wire.PoolEntry) {
		for _, entry := range pools {
			r.renew(p, &entry)
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	p.auditing = false
	if err != nil || r.closed || r.peers[p.id] != p {
		r.log.Info("re-synchronization given up", "peer", p.id.String(), "error", err)
		return
	}
	now := time.Now()
	gone := r.space.Sweep(p.id)
	for _, e := range gone {
		r.released([]byte(e.Handle), e.PE.ID, now)
	}
	r.scheduleExpiry(now)
	r.log.Info("re-synchronized", "peer", p.id.String(), "removed", len(gone))
}

// renew takes the elements of one pool that the peer lists as its own.
func (r *Registrar) renew(p *peer, entry *wire.PoolEntry) {
	now := time.Now()
	for i := range entry.Elements {
		pe := &entry.Elements[i]
		if pe.Home != p.id || r.peers[p.id] != p {
			continue
		}
		if err := r.take(p, entry.PoolHandle, pe, now); err != nil {
			r.log.Info("element not taken", "peer", p.id.String(), "pool", entry.PoolHandle.String(), "pe", pe.ID.String(), "error", err)
		}
	}
}
