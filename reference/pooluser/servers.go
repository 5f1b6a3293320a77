// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
)

// candidate is an entry of the managed list of registrars (RFC 5352 section 3.6).
type candidate struct {
	Announced
	configured bool
	expires    time.Time      // T7-ENRPoutdate; unused when configured
	tls        *tlspsk.Config // built once; see Target.TLS
}

// trusted tells whether something better than an announcement speaks for it.
func (c *candidate) trusted() bool { return c.configured || c.Proven }

// serverKey tells candidates apart.
type serverKey struct {
	transport association.Transport
	addr      netip.AddrPort
}

func (s Server) key() serverKey { return serverKey{s.Transport, s.Addr} }

// serverList is the managed list. It is guarded by User.mu.
type serverList struct {
	list        []*candidate
	attempts    uint64
	changed     chan struct{} // closed and replaced when a candidate is added
	lastFailure error         // of the last attempt that failed
}

func newServerList(configured []Server) *serverList {
	l := &serverList{changed: make(chan struct{})}
	for _, s := range configured {
		if l.find(s.key()) == nil {
			l.list = append(l.list, &candidate{Announced: Announced{Server: s}, configured: true})
		}
	}
	return l
}

func (l *serverList) find(k serverKey) *candidate {
	for _, c := range l.list {
		if c.Server.key() == k {
			return c
		}
	}
	return nil
}

// expire deletes what has not been announced for T7.
func (l *serverList) expire(now time.Time) {
	l.list = slices.DeleteFunc(l.list, func(c *candidate) bool { return !c.configured && now.After(c.expires) })
}

// announce takes one announced transport address and tells whether it is
// remembered.
func (l *serverList) announce(now time.Time, fresh Announced, outdate time.Duration, judge Announcement, limits Limits) bool {
	l.expire(now)
	if c := l.find(fresh.Server.key()); c != nil {
		c.expires = now.Add(outdate) // restart T7
		return true
	}
	var known []Announced
	var at []*candidate
	for _, c := range l.list {
		if !c.configured {
			known, at = append(known, c.Announced), append(at, c)
		}
	}
	forget, remember := judge.Judge(known, fresh, limits)
	if !remember {
		return false
	}
	if forget >= 0 && forget < len(at) {
		l.list = slices.DeleteFunc(l.list, func(c *candidate) bool { return c == at[forget] })
	}
	l.list = append(l.list, &candidate{Announced: fresh, expires: now.Add(outdate)})
	close(l.changed)
	l.changed = make(chan struct{})
	return true
}

// next returns the candidate to try next, nil when all have been. The configured
// and the proven take turns with the announced, so that a flood of announcements
// does not keep us from those. Among equals the one with the fewest failures is
// first, then the one not tried for the longest time (SH5: a different set).
func (l *serverList) next(now time.Time, tried map[serverKey]bool) *candidate {
	l.expire(now)
	var best [2]*candidate // announced, trusted
	for _, c := range l.list {
		if tried[c.Server.key()] {
			continue
		}
		class := 0
		if c.trusted() {
			class = 1
		}
		if b := best[class]; b == nil || c.Failures < b.Failures {
			best[class] = c
		}
	}
	l.attempts++
	turn := int(l.attempts % 2)
	if best[turn] == nil {
		turn = 1 - turn
	}
	return best[turn]
}
