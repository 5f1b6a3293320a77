// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"errors"
	"fmt"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// contest is the claim of a peer to an element that has another home, whom we hear.
type contest struct {
	by wire.ServerID
	pe wire.PoolElement
}

// errForeign: a peer speaks for an element that is not its own.
var errForeign = errors.New("the element belongs to another registrar that lives")

// take takes what a peer says of an element whose home it claims to be (RFC 5353 section
// 3.3.1), the same way whether it came by update or by handle table.
//
// An element may move: it registers elsewhere (RFC 5352 section 3.1 rule 4) or its home is
// taken over. But a peer that is not honest could have any element that way. Therefore the
// former home has to let go of it. Ours we keep as long as they are associated with us; one that
// has lost its association comes back to us or has gone where the claim says, and by Rule 4 is
// ours again if it comes back. That of another peer stays as long as that peer is heard, connected
// or not, since an association can be ended by who wants the element. A connected one is asked for
// its presence: if it has let go, its checksum shows it, the audit removes the element there, and
// the claim holds. One that is not connected shows it when it is back, or is taken over, and then
// the claim holds as well.
func (r *Registrar) take(p *peer, handle wire.PoolHandle, pe *wire.PoolElement, now time.Time) error {
	key := elementKey{string(handle), pe.ID}
	existing, found := r.space.Lookup(handle, pe.ID)
	if found && existing.PE.Home != p.id {
		if err := r.foreign(p, key, existing.PE.Home, pe, now); err != nil {
			r.stats.Refused[peerName]++
			return err
		}
	}
	if _, err := r.space.Register(now, handle, pe, ""); err != nil {
		return err
	}
	delete(r.contested, key)
	r.unwatch(handle, pe.ID) // it may have moved away from us
	if !found || !sameElement(&existing.PE, pe) {
		r.changed(key.handle)
	}
	return nil
}

// foreign tells whether the home of an element still holds it against a claim by p.
func (r *Registrar) foreign(p *peer, key elementKey, home wire.ServerID, pe *wire.PoolElement, now time.Time) error {
	if home == r.cfg.ServerID {
		if l := r.live[key]; l == nil || l.session == nil {
			return nil
		}
		return fmt.Errorf("%w: this one", errForeign)
	}
	holder := r.peers[home]
	if !r.heard(holder, now) {
		return nil
	}
	if _, known := r.contested[key]; known || len(r.contested) < r.cfg.Limits.MaxContested {
		c := wire.Clone(&wire.Registration{PoolHandle: wire.PoolHandle(key.handle), Element: *pe}).(*wire.Registration)
		r.contested[key] = contest{by: p.id, pe: c.Element}
	}
	if s := holder.session(); s != nil && now.Sub(holder.asked) >= r.cfg.Timers.KeepAliveSpacing {
		holder.asked = now
		r.sendPresence(s, true)
	}
	return fmt.Errorf("%w: %s", errForeign, home)
}

// released follows the removal of a peer's element: a claim to it holds now.
func (r *Registrar) released(handle wire.PoolHandle, id wire.PEID, now time.Time) {
	key := elementKey{string(handle), id}
	r.unwatch(handle, id)
	c, ok := r.contested[key]
	delete(r.contested, key)
	if p := r.peers[c.by]; ok && r.heard(p, now) {
		if err := r.take(p, handle, &c.pe, now); err == nil {
			return
		}
	}
	r.changed(key.handle)
}

// inherit follows the end of a home that is taken over: what has been claimed by another
// registrar meanwhile has most likely registered there, and does not go to the new home.
func (r *Registrar) inherit(target wire.ServerID, now time.Time) {
	for key, c := range r.contested {
		e, found := r.space.Lookup([]byte(key.handle), key.id)
		if !found || e.PE.Home != target {
			continue
		}
		delete(r.contested, key)
		if c.by == target || !r.heard(r.peers[c.by], now) {
			continue
		}
		if _, err := r.space.Register(now, []byte(key.handle), &c.pe, ""); err != nil {
			r.log.Warn("claim does not hold", "pool", wire.PoolHandle(key.handle).String(), "pe", key.id.String(), "error", err)
			continue
		}
		r.changed(key.handle)
	}
	r.scheduleExpiry(now)
}

// sameElement tells whether pool users see no difference between two versions of an element.
func sameElement(a, b *wire.PoolElement) bool {
	x, y := handlespace.Element{PE: *a}, handlespace.Element{PE: *b}
	return len(handlespace.Snapshot{x}.Diff(handlespace.Snapshot{y}, handlespace.FieldASAP, handlespace.FieldLife,
		handlespace.FieldHome, handlespace.FieldSigned)) == 0
}
