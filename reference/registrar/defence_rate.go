// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"container/list"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// Limit is a token bucket: Burst requests at once, then PerSecond.
type Limit struct {
	PerSecond float64
	Burst     float64
}

// Rates are the requests that one identity (or, for the anonymous, one address) may make.
type Rates struct {
	// Changes: registrations and deregistrations. An honest element re-registers about
	// once in its lifetime; a host may start a few hundred elements at once.
	Changes Limit
	// Queries: handle resolutions, of which a busy pool user without a cache makes many.
	Queries Limit
	// Reports: unreachable reports. An honest pool user makes one for each failure of an
	// element (RFC 5352 section 3.5).
	Reports Limit
	// Names bounds how many identities are remembered. Beyond it the one that was silent
	// longest is forgotten, which gives it a full bucket again.
	Names int
}

// DefaultRates returns rates that no honest node of a pool of a thousand elements reaches.
func DefaultRates() Rates {
	return Rates{
		Changes: Limit{PerSecond: 200, Burst: 1000},
		Queries: Limit{PerSecond: 20_000, Burst: 40_000},
		Reports: Limit{PerSecond: 5, Burst: 20},
		Names:   65_536,
	}
}

type rateClass uint8

const (
	rateChanges rateClass = iota
	rateQueries
	rateReports
	rateClasses
)

type bucket struct {
	tokens [rateClasses]float64
	seen   [rateClasses]time.Time
	name   string
}

// Rate limits requests per identity (draft sections 2.2 and 2.13). Buckets belong to the
// identity, not to the association: a reconnect does not fill them.
type Rate struct {
	rates   Rates
	buckets map[string]*list.Element
	order   *list.List // least recently used last
}

// NewRate returns the defence with full buckets for everybody.
func NewRate(r Rates) *Rate {
	return &Rate{rates: r, buckets: make(map[string]*list.Element), order: list.New()}
}

func classOf(m wire.Message) (rateClass, bool) {
	switch m.(type) {
	case *wire.Registration, *wire.Deregistration:
		return rateChanges, true
	case *wire.HandleResolution:
		return rateQueries, true
	case *wire.EndpointUnreachable:
		return rateReports, true
	default:
		return 0, false
	}
}

func (r *Rate) limit(c rateClass) Limit {
	switch c {
	case rateChanges:
		return r.rates.Changes
	case rateQueries:
		return r.rates.Queries
	default:
		return r.rates.Reports
	}
}

// Refuse takes a token from the bucket of the principal.
func (r *Rate) Refuse(q *Query) *Refusal {
	class, limited := classOf(q.Message)
	if !limited || q.Principal.Role == RoleUnconfined {
		return nil
	}
	b := r.bucket(q.Principal.Name, q.Now)
	limit := r.limit(class)
	b.tokens[class] = min(limit.Burst, b.tokens[class]+limit.PerSecond*q.Now.Sub(b.seen[class]).Seconds())
	b.seen[class] = q.Now
	if b.tokens[class] < 1 {
		return &Refusal{
			Defence: "rate", Cause: wire.CauseLackOfResources,
			Reason: q.Message.Name() + " from " + q.Principal.Name + " above its rate",
		}
	}
	b.tokens[class]--
	return nil
}

func (r *Rate) bucket(name string, now time.Time) *bucket {
	if e, ok := r.buckets[name]; ok {
		r.order.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if r.order.Len() >= r.rates.Names {
		oldest := r.order.Back()
		delete(r.buckets, oldest.Value.(*bucket).name)
		r.order.Remove(oldest)
	}
	b := &bucket{name: name}
	for c := range rateClasses {
		b.tokens[c] = r.limit(c).Burst
		b.seen[c] = now
	}
	r.buckets[name] = r.order.PushFront(b)
	return b
}
