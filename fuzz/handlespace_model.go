// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"encoding/binary"
	"maps"
	"time"

	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

type elementName struct {
	handle string
	id     wire.PEID
}

// poolRules is what the first element of a pool decides for the others (RFC 5352 section 3.1).
type poolRules struct {
	policy wire.PolicyType
	kind   wire.TransportKind
	use    wire.TransportUse
}

// spaceModel is a handlespace as a map, with everything computed anew.
type spaceModel struct {
	elements map[elementName]handlespace.Element
	pools    map[string]poolRules
	marked   map[elementName]bool
	limits   handlespace.Options
	now      time.Time
}

func newSpaceModel(limits handlespace.Options) *spaceModel {
	return &spaceModel{
		elements: map[elementName]handlespace.Element{}, pools: map[string]poolRules{},
		marked: map[elementName]bool{}, limits: limits, now: start,
	}
}

func (m *spaceModel) register(handle string, pe *wire.PoolElement, owner string) (handlespace.Outcome, error) {
	n := elementName{handle, pe.ID}
	old, known := m.elements[n]
	rules := poolRules{pe.Policy.Type, pe.User.Kind, pe.User.Use}
	pool, exists := m.pools[handle]
	switch {
	case pe.Life < wire.LifeInfinite, pe.User.Kind == 0:
		return 0, handlespace.ErrInvalid
	case exists && pool.policy != rules.policy:
		return 0, handlespace.ErrPolicyMismatch
	case exists && pool.kind != rules.kind:
		return 0, handlespace.ErrTransportMismatch
	case exists && pool.use != rules.use:
		return 0, handlespace.ErrUseMismatch
	case !known && m.full(handle, exists), owner != "" && old.Owner != owner && m.owned(owner) >= m.limits.MaxPerOwner:
		return 0, handlespace.ErrFull
	}
	if !exists {
		m.pools[handle] = rules
	}
	e := handlespace.Element{Handle: handle, PE: *pe, Owner: owner}
	if owner == "" {
		e.Owner = old.Owner
	}
	if pe.Life >= 0 {
		e.Expires = m.now.Add(time.Duration(pe.Life) * time.Second)
	}
	m.elements[n] = e
	delete(m.marked, n)
	if known {
		return handlespace.Updated, nil
	}
	return handlespace.Created, nil
}

// full tells whether there is no room for a new element.
func (m *spaceModel) full(handle string, exists bool) bool {
	return len(m.elements) >= m.limits.MaxElements || !exists && len(m.pools) >= m.limits.MaxPools ||
		m.size(handle) >= m.limits.MaxPerPool
}

func (m *spaceModel) owned(owner string) (n int) {
	for _, e := range m.elements {
		if e.Owner == owner {
			n++
		}
	}
	return n
}

func (m *spaceModel) size(handle string) (n int) {
	for name := range m.elements {
		if name.handle == handle {
			n++
		}
	}
	return n
}

// count returns the number of elements, or of those of the own server.
func (m *spaceModel) count(own bool) (n int) {
	for _, e := range m.elements {
		if !own || e.PE.Home == m.limits.Server {
			n++
		}
	}
	return n
}

func (m *spaceModel) remove(n elementName) bool {
	_, known := m.elements[n]
	delete(m.elements, n)
	delete(m.marked, n)
	if m.size(n.handle) == 0 {
		delete(m.pools, n.handle)
	}
	return known
}

// removeIf removes the elements that are chosen and returns them.
func (m *spaceModel) removeIf(chosen func(n elementName, e handlespace.Element) bool) (gone []handlespace.Element) {
	for n, e := range m.elements {
		if chosen(n, e) {
			gone = append(gone, e)
			m.remove(n)
		}
	}
	return gone
}

func (m *spaceModel) expire() []handlespace.Element {
	return m.removeIf(func(_ elementName, e handlespace.Element) bool {
		return !e.Expires.IsZero() && !e.Expires.After(m.now)
	})
}

func (m *spaceModel) sweep(server wire.ServerID) []handlespace.Element {
	return m.removeIf(func(n elementName, e handlespace.Element) bool { return m.marked[n] && e.PE.Home == server })
}

func (m *spaceModel) mark(server wire.ServerID) {
	for n, e := range m.elements {
		if e.PE.Home == server {
			m.marked[n] = true
		}
	}
}

func (m *spaceModel) rehome(from, to wire.ServerID) {
	for n, e := range m.elements {
		if e.PE.Home == from && from != to {
			e.PE.Home = to
			m.elements[n] = e
			delete(m.marked, n)
		}
	}
}

func (m *spaceModel) snapshot() handlespace.Snapshot {
	return handlespace.SnapshotOf(maps.Values(m.elements))
}

func (m *spaceModel) nextExpiry() (first time.Time) {
	for _, e := range m.elements {
		if !e.Expires.IsZero() && (first.IsZero() || e.Expires.Before(first)) {
			first = e.Expires
		}
	}
	return first
}

// checksum is the Internet checksum over the blocks of the server's elements (RFC 5353 section
// 3.6.2), step by step as RFC 1071 has it.
func (m *spaceModel) checksum(server wire.ServerID) uint16 {
	var sum uint32
	for n, e := range m.elements {
		if e.PE.Home != server {
			continue
		}
		block := []byte(n.handle)
		for len(block)%4 != 0 {
			block = append(block, 0)
		}
		block = binary.BigEndian.AppendUint32(block, uint32(n.id))
		for ; len(block) > 0; block = block[2:] {
			sum += uint32(binary.BigEndian.Uint16(block))
			sum = sum>>16 + sum&0xffff
		}
	}
	return ^uint16(sum)
}
