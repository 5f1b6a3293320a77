// SPDX-License-Identifier: Apache-2.0

package pooluser

import "net/netip"

// Announced is a registrar that we know by announcement only.
type Announced struct {
	Server   Server
	Source   netip.Addr // sender of the datagram, which may be forged
	Failures int        // set-ups that failed since it was first announced
	Proven   bool       // it has been authenticated before
}

// Announcement decides what becomes of a registrar announced for the first time.
// known is what is remembered of others. It returns the index of the one to
// forget for it (-1 for none) and whether to remember the new one. It is called
// with the lock of the user held.
type Announcement interface {
	Judge(known []Announced, fresh Announced, l Limits) (forget int, remember bool)
}

// AnnouncementFunc makes a function an Announcement.
type AnnouncementFunc func(known []Announced, fresh Announced, l Limits) (forget int, remember bool)

// Judge calls f.
func (f AnnouncementFunc) Judge(known []Announced, fresh Announced, l Limits) (forget int, remember bool) {
	return f(known, fresh, l)
}

// spareTheOld bounds what a flood of announcements can do (draft section 2.12,
// RFC 5352 section 9.2): one source has a quota, and when the list is full, only
// those who already failed to authenticate make room. Who was there first stays.
func spareTheOld(known []Announced, fresh Announced, l Limits) (forget int, remember bool) {
	forget = -1
	fromSource := 0
	for i := range known {
		k := &known[i]
		if k.Source == fresh.Source {
			fromSource++
		}
		if !k.Proven && k.Failures > 0 && (forget < 0 || k.Failures > known[forget].Failures) {
			forget = i
		}
	}
	switch {
	case fromSource >= l.PerSource:
		return -1, false
	case len(known) < l.Announced:
		return -1, true
	}
	return forget, forget >= 0
}
