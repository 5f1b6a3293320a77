// SPDX-License-Identifier: Apache-2.0

package handlespace

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// model is a handlespace as a map, with everything computed anew.
type model struct {
	elements map[elementName]Element
	policies map[string]wire.PolicyType // of the pools
	limits   Options
	now      time.Time
}

// register does what RFC 5352 section 3.1 says and the limits allow.
func (m *model) register(handle string, e *wire.PoolElement, owner string) (Outcome, error) {
	n := elementName{handle, e.ID}
	old, found := m.elements[n]
	if p, ok := m.policies[handle]; ok && p != e.Policy.Type {
		return 0, ErrPolicyMismatch
	}
	_, pool := m.policies[handle]
	owned := m.count(func(e Element) bool { return e.Owner == owner })
	if !found && (len(m.elements) == m.limits.MaxElements || !pool && len(m.policies) == m.limits.MaxPools ||
		m.count(func(e Element) bool { return e.Handle == handle }) == m.limits.MaxPerPool) ||
		owner != "" && old.Owner != owner && owned == m.limits.MaxPerOwner {
		return 0, ErrFull
	}
	entry := Element{Handle: handle, PE: *e, Owner: owner}
	if owner == "" {
		entry.Owner = old.Owner
	}
	if e.Life >= 0 {
		entry.Expires = m.now.Add(time.Duration(e.Life) * time.Second)
	}
	m.elements[n] = entry
	m.policies[handle] = e.Policy.Type
	if found {
		return Updated, nil
	}
	return Created, nil
}

func (m *model) count(match func(Element) bool) (n int) {
	for _, e := range m.elements {
		if match(e) {
			n++
		}
	}
	return n
}

func (m *model) remove(n elementName) {
	delete(m.elements, n)
	if m.count(func(e Element) bool { return e.Handle == n.handle }) == 0 {
		delete(m.policies, n.handle)
	}
}

// expire removes what has expired and returns it.
func (m *model) expire() (gone []Element) {
	for n, e := range m.elements {
		if !e.Expires.IsZero() && !e.Expires.After(m.now) {
			gone = append(gone, e)
			m.remove(n)
		}
	}
	return gone
}

func (m *model) checksum(server wire.ServerID) uint16 {
	var blocks [][]byte
	for n, e := range m.elements {
		if e.PE.Home == server {
			blocks = append(blocks, []byte(n.handle), []byte{byte(n.id >> 24), byte(n.id >> 16), byte(n.id >> 8), byte(n.id)})
		}
	}
	return internetChecksum(blocks...)
}

var modelServers = []wire.ServerID{own, peer, 7}

// TestSpaceMatchesModel runs any operations on a Space and on the model.
func TestSpaceMatchesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Options{Server: own, MaxPools: 3, MaxElements: 12, MaxPerPool: 6, MaxPerOwner: 4}
		s := New(limits)
		m := &model{map[elementName]Element{}, map[string]wire.PolicyType{}, limits, start}
		t.Repeat(map[string]func(*rapid.T){
			"register":   func(t *rapid.T) { checkRegister(t, s, m) },
			"deregister": func(t *rapid.T) { checkDeregister(t, s, m) },
			"expire": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "seconds")) * time.Second)
				checkExpire(t, s, m)
			},
			"resolve": func(t *rapid.T) { checkResolve(t, s, m) },
			"rehome": func(t *rapid.T) {
				from, to := rapid.SampledFrom(modelServers).Draw(t, "from"), rapid.SampledFrom(modelServers).Draw(t, "to")
				s.Rehome(from, to)
				for n, e := range m.elements {
					if e.PE.Home == from {
						e.PE.Home = to
						m.elements[n] = e
					}
				}
			},
			"": func(t *rapid.T) { checkSame(t, s, m) },
		})
	})
}

func checkRegister(t *rapid.T, s *Space, m *model) {
	n := anyName(t)
	e := pe(n.id, homed(rapid.SampledFrom(modelServers).Draw(t, "home")), life(int32(rapid.IntRange(-1, 20).Draw(t, "life"))))
	e.User.Addrs, e.User.Port = anyAddrs(t, 3), rapid.Uint16().Draw(t, "port")
	e.Policy.Type = rapid.SampledFrom([]wire.PolicyType{wire.LeastUsed, wire.LeastUsed, wire.RoundRobin}).Draw(t, "policy")
	e.Policy.Load = rapid.Uint32Range(0, 3).Draw(t, "load")
	owner := rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "owner")
	want, wantErr := m.register(n.handle, e, owner)
	got, err := s.Register(m.now, []byte(n.handle), e, owner)
	if got != want || !errors.Is(err, wantErr) {
		t.Fatalf("got %v, %v; want %v, %v", got, err, want, wantErr)
	}
}

func checkDeregister(t *rapid.T, s *Space, m *model) {
	n := anyName(t)
	want, found := m.elements[n]
	m.remove(n)
	got, ok := s.Deregister([]byte(n.handle), n.id)
	if ok != found || ok && len(different(&got, &want, nil)) > 0 {
		t.Fatalf("got %+v, %v; want %+v, %v", got, ok, want, found)
	}
}

func checkExpire(t *rapid.T, s *Space, m *model) {
	gone := s.Expire(m.now)
	if !slices.IsSortedFunc(gone, func(a, b Element) int { return a.Expires.Compare(b.Expires) }) {
		t.Fatalf("not in the order of expiry: %v", gone)
	}
	if changes := SnapshotOf(slices.Values(m.expire())).Diff(SnapshotOf(slices.Values(gone))); len(changes) > 0 {
		t.Fatalf("expired: %v", changes)
	}
}

func checkResolve(t *rapid.T, s *Space, m *model) {
	handle := anyName(t).handle
	limit := rapid.IntRange(-1, 8).Draw(t, "limit")
	got, policy, err := s.Resolve([]byte(handle), limit, nil)
	size := m.count(func(e Element) bool { return e.Handle == handle })
	if (size == 0) != errors.Is(err, ErrUnknownPool) || policy.Type != m.policies[handle] {
		t.Fatalf("pool of %d elements: %+v, %v", size, policy, err)
	}
	if limit > 0 {
		size = min(size, limit)
	}
	if len(got) != size {
		t.Fatalf("got %d elements, want %d", len(got), size)
	}
	for i, e := range got {
		want := m.elements[elementName{handle, e.ID}]
		if len(different(&Element{PE: e}, &Element{PE: want.PE}, nil)) > 0 {
			t.Fatalf("got %+v, want %+v", e, want.PE)
		}
		if i > 0 && policy.Type == wire.LeastUsed && got[i-1].Policy.Load > e.Policy.Load {
			t.Fatalf("load %d comes before %d", got[i-1].Policy.Load, e.Policy.Load)
		}
	}
}

// checkSame compares everything that can be asked.
func checkSame(t *rapid.T, s *Space, m *model) {
	want := SnapshotOf(maps.Values(m.elements))
	if changes := want.Diff(s.Snapshot()); len(changes) > 0 {
		t.Fatalf("differs from the model: %v", changes)
	}
	if s.Len() != len(m.elements) || s.Pools() != len(m.policies) {
		t.Fatalf("%d elements in %d pools, want %d in %d", s.Len(), s.Pools(), len(m.elements), len(m.policies))
	}
	for _, server := range modelServers {
		if got, want := s.Checksum(server), m.checksum(server); got != want {
			t.Fatalf("checksum of %v: got %#04x, want %#04x", server, got, want)
		}
		if got, want := s.Owned(server), m.count(func(e Element) bool { return e.PE.Home == server }); got != want {
			t.Fatalf("%v owns %d elements, want %d", server, got, want)
		}
	}
	var first time.Time
	for n, e := range m.elements {
		if got, ok := s.Lookup([]byte(n.handle), n.id); !ok || len(different(&got, &e, nil)) > 0 {
			t.Fatalf("lookup: got %+v, want %+v", got, e)
		}
		if !e.Expires.IsZero() && (first.IsZero() || e.Expires.Before(first)) {
			first = e.Expires
		}
	}
	if next, ok := s.NextExpiry(); ok == first.IsZero() || !next.Equal(first) {
		t.Fatalf("next expiry is %v, want %v", next, first)
	}
}
