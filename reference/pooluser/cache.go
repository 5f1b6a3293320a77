// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// entry is what a registrar said about one pool (RFC 5352 section 3.3, C1 to C4).
// It is guarded by User.mu.
type entry struct {
	policy   wire.Policy
	elements []wire.PoolElement       // by policy.Ref; never changed
	free     map[wire.PEID]policy.Ref // what can be selected, see drop
	selector policy.Selector
	server   Server
	fetched  time.Time
	highest  uint32 // see add
	evidence []PolicyEvidence
	provable *provable // nil: selections cannot be proven
}

// newEntry keeps a positive response, of which it owns everything.
func (u *User) newEntry(a *answer, server Server, now time.Time) *entry {
	m := a.response
	e := &entry{
		policy: m.Policy, server: server, fetched: now, elements: m.Elements, evidence: a.evidence, provable: a.provable,
		free: make(map[wire.PEID]policy.Ref, len(m.Elements)), selector: policy.New(m.Policy.Type, u.cfg.Rand),
	}
	for i := range m.Elements {
		_, twice := e.free[m.Elements[i].ID]
		if !twice && u.cfg.Elements.transport(&m.Elements[i].User) != "" {
			e.add(policy.Ref(i))
		}
	}
	return e
}

// add makes an element available for selection.
//
// Under least used with degradation the registrar ranks by counters that are not
// in the response (RFC 5356 section 5.2.2), and the pool user should follow its
// order (5.2.3). Therefore no element ranks better than those before it; our own
// counter then spreads what comes of the same response.
func (e *entry) add(r policy.Ref) {
	e.free[e.elements[r].ID] = r
	p := e.elements[r].Policy
	if e.policy.Type == wire.LeastUsedDegradation {
		e.highest = max(e.highest, p.Load)
		p.Load = e.highest
	}
	e.selector.Insert(r, &p)
}

// choose selects an element by the pool's policy, leaving out those in avoid. It
// returns nil when there is none.
func (e *entry) choose(avoid map[wire.PEID]bool) *wire.PoolElement {
	// One element is what the policy's state is made for; only when that is out
	// of the question all of them are ranked.
	for _, n := range [...]int{1, 0} {
		for _, r := range e.selector.Select(n, nil) {
			if !avoid[e.elements[r].ID] {
				return &e.elements[r]
			}
		}
	}
	return nil
}

// find returns the element if it can be selected and is not in avoid.
func (e *entry) find(id wire.PEID, avoid map[wire.PEID]bool) *wire.PoolElement {
	r, ok := e.free[id]
	if !ok || avoid[id] {
		return nil
	}
	return &e.elements[r]
}

// drop takes an element that could not be reached out of the selection, until
// the registrar is asked again.
func (e *entry) drop(id wire.PEID) {
	if r, ok := e.free[id]; ok {
		e.selector.Remove(r)
		delete(e.free, id)
	}
}

// cached returns a usable entry of the cache, nil if there is none. The caller
// holds u.mu.
func (u *User) cached(handle string, now time.Time) *entry {
	e := u.cache[handle]
	if e == nil || now.Sub(e.fetched) >= u.cfg.Timers.StaleCache {
		return nil
	}
	return e
}

// keep puts an entry into the cache. The caller holds u.mu.
func (u *User) keep(handle string, e *entry) {
	if _, there := u.cache[handle]; !there && len(u.cache) >= u.cfg.Limits.CachedPools {
		oldest := ""
		for h, other := range u.cache {
			if first := u.cache[oldest]; first == nil || other.fetched.Before(first.fetched) {
				oldest = h
			}
		}
		delete(u.cache, oldest)
	}
	u.cache[handle] = e
}

// Purge removes a pool from the cache (CachePurgeRequest, RFC 5352 section 6.4).
func (u *User) Purge(pool string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.cache, pool)
}

// usedElements remembers to which elements the application has asked to send
// data. When it is full, the oldest is forgotten.
type usedElements struct {
	limit int
	set   map[elementKey]struct{}
	order []elementKey // a ring once it is full
	next  int
}

func (s *usedElements) has(k elementKey) bool { _, ok := s.set[k]; return ok }

func (s *usedElements) add(k elementKey) {
	if s.has(k) {
		return
	}
	if s.set == nil {
		s.set = make(map[elementKey]struct{})
	}
	if len(s.order) < s.limit {
		s.order = append(s.order, k)
	} else {
		delete(s.set, s.order[s.next])
		s.order[s.next] = k
		s.next = (s.next + 1) % s.limit
	}
	s.set[k] = struct{}{}
}
