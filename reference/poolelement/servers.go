// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"cmp"
	"context"
	mathrand "math/rand/v2"
	"slices"
	"time"
)

// candidate is an address where a registrar may be.
type candidate struct {
	Registrar
	announced bool
	proven    bool   // an authenticated registrar has answered there
	round     uint64 // the set in which it was last tried
	order     uint64 // random among equals
	outdate   *time.Timer
}

// servers is the list of registrars that RFC 5352 section 3.6 has each element manage. The
// configured ones stay; announced ones leave when T7 ends. Everything is guarded by
// Element.mu.
type servers struct {
	configured []*candidate
	announced  []*candidate
	round      uint64
	rand       *mathrand.Rand
}

func newServers(c *Config) *servers {
	l := &servers{rand: c.Rand}
	for _, r := range c.Registrars {
		l.configured = append(l.configured, &candidate{Registrar: r, order: l.rand.Uint64()})
	}
	return l
}

// pick returns the next candidate of a set, nil when all were tried. While another
// association is being set up, the two kinds take turns, so that neither forged
// announcements keep the element from a configured registrar (draft section 2.12), nor dead
// configured addresses from an announced one.
func (l *servers) pick(tried map[*candidate]bool, dialing map[*candidate]context.CancelFunc) *candidate {
	c, a := best(l.configured, tried), best(l.announced, tried)
	switch {
	case c == nil:
		return a
	case a == nil:
		return c
	}
	configured := 0
	for d := range dialing {
		if !d.announced {
			configured++
		}
	}
	if configured > len(dialing)-configured {
		return a
	}
	return c
}

// best returns the candidate not yet tried in this set that was not tried for longest. A
// proven one comes before all that only say so.
func best(list []*candidate, tried map[*candidate]bool) *candidate {
	var b *candidate
	for _, c := range list {
		if !tried[c] && (b == nil || c.compare(b) < 0) {
			b = c
		}
	}
	return b
}

func (c *candidate) compare(o *candidate) int {
	if c.announced && c.proven != o.proven {
		if c.proven {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(c.round, o.round), cmp.Compare(c.order, o.order))
}

// find returns the candidate at an address.
func (l *servers) find(r Registrar) *candidate {
	for _, list := range [][]*candidate{l.configured, l.announced} {
		for _, c := range list {
			if c.Transport == r.Transport && c.Addr == r.Addr {
				return c
			}
		}
	}
	return nil
}

// forget removes an announced candidate.
func (l *servers) forget(c *candidate) {
	c.outdate.Stop()
	if i := slices.Index(l.announced, c); i >= 0 {
		l.announced = slices.Delete(l.announced, i, i+1)
	}
}

// makeRoom removes an announced candidate, any that is not proven, and tells whether there
// was one. A random one: forged announcements then cannot keep a real one out for good.
func (l *servers) makeRoom() bool {
	var unproven []*candidate
	for _, c := range l.announced {
		if !c.proven {
			unproven = append(unproven, c)
		}
	}
	if len(unproven) == 0 {
		return false
	}
	l.forget(unproven[l.rand.IntN(len(unproven))])
	return true
}

// stop stops all T7.
func (l *servers) stop() {
	for _, c := range l.announced {
		c.outdate.Stop()
	}
}
