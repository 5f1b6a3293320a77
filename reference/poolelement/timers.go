// SPDX-License-Identifier: Apache-2.0

package poolelement

import "time"

// Timers are the protocol timers of RFC 5352 section 7.1 with its values as defaults, and
// some of our own. A zero field means the default.
type Timers struct {
	Registration      time.Duration // T2: for the answer to a registration, 30 s
	Deregistration    time.Duration // T3: for the answer to a deregistration, 30 s
	Reregistration    time.Duration // T4 at most, 10 min; less for short lives, see LifeMargin
	ServerHunt        time.Duration // T5: for one set of candidates, 10 s; doubled when it ends
	ServerHuntMax     time.Duration // RETRAN.max, the cap of T5, 60 s
	ServerOutdate     time.Duration // T7: how long an announcement counts, 5 s
	ExpiredPause      time.Duration // before a registration that expired is renewed, 1 s
	Retry             time.Duration // from giving up a registration to another try; 0: only Register tries again
	Close             time.Duration // for ending an association gracefully, 2 s
	Stop              time.Duration // for all deregistrations of Element.Close, 5 s
	StrangerTimeout   time.Duration // for a node at a door that is no registrar, 5 s
	KeepAliveFlooding time.Duration // between two events about one flood, 10 s
}

// LifeMargin is how long before the end of its life a registration is renewed (RFC 5352
// section 7.1, T4). A life that is not longer is renewed at its half.
const LifeMargin = 20 * time.Second

// DefaultTimers returns the timers of an element in service.
func DefaultTimers() Timers {
	return Timers{
		Registration:   30 * time.Second,
		Deregistration: 30 * time.Second,
		Reregistration: 10 * time.Minute,
		ServerHunt:     10 * time.Second,
		ServerHuntMax:  60 * time.Second,
		ServerOutdate:  5 * time.Second,
		// A registrar that expires us as fast as we register gets one registration a second.
		ExpiredPause: time.Second,
		// RFC 5352 section 3.1: after MAX-REG-ATTEMPT the element stops and tells its user.
		Retry:             0,
		Close:             2 * time.Second,
		Stop:              5 * time.Second,
		StrangerTimeout:   5 * time.Second,
		KeepAliveFlooding: 10 * time.Second,
	}
}

func (t *Timers) fields() []*time.Duration {
	return []*time.Duration{
		&t.Registration, &t.Deregistration, &t.Reregistration, &t.ServerHunt, &t.ServerHuntMax, &t.ServerOutdate,
		&t.ExpiredPause, &t.Retry, &t.Close, &t.Stop, &t.StrangerTimeout, &t.KeepAliveFlooding,
	}
}

func (t Timers) withDefaults() Timers {
	defaults := DefaultTimers()
	for i, f := range t.fields() {
		if *f == 0 {
			*f = *defaults.fields()[i]
		}
	}
	t.ServerHuntMax = max(t.ServerHuntMax, t.ServerHunt)
	return t
}

func (t Timers) valid() bool {
	for _, f := range t.fields() {
		if *f < 0 {
			return false
		}
	}
	return true
}

// reregistration returns T4 for a registration life in seconds: the least of T4 and the
// life without LifeMargin.
func (t Timers) reregistration(life int32) time.Duration {
	if life < 0 {
		return t.Reregistration
	}
	d := time.Duration(life) * time.Second
	if d > LifeMargin {
		return min(t.Reregistration, d-LifeMargin)
	}
	return min(t.Reregistration, d/2)
}

// MaxAssociations is how many associations with registrars an element may set up at once
// (RFC 5352 section 3.6, SH1: MUST NOT establish more than three).
const MaxAssociations = 3

// Limits bound what the element spends on others. A zero field means the default.
type Limits struct {
	// RegistrationAttempts is MAX-REG-ATTEMPT: how often a registration or deregistration
	// is sent without an answer before it is given up; 2.
	RegistrationAttempts int
	// Standby is how many associations are kept beside the home, up to MaxAssociations-1:
	// for a failover without a hunt, and for a registrar that takes over to reach the
	// element on. 0, the default, keeps none: each costs its registrar memory.
	Standby         int
	Inbound         int // associations that others set up, 8: a group has few registrars
	Announced       int // announced addresses remembered, 64
	PerAnnouncement int // addresses taken from one announcement, 8
	SendQueue       int // messages waiting for one association, 256; one that does not read is aborted
	Events          int // events waiting to be read, 256; then they are dropped and counted
}

// DefaultLimits returns limits for one host's pools.
func DefaultLimits() Limits {
	return Limits{RegistrationAttempts: 2, Inbound: 8, Announced: 64, PerAnnouncement: 8, SendQueue: 256, Events: 256}
}

func (l *Limits) fields() []*int {
	return []*int{&l.RegistrationAttempts, &l.Standby, &l.Inbound, &l.Announced, &l.PerAnnouncement, &l.SendQueue, &l.Events}
}

func (l Limits) withDefaults() Limits {
	defaults := DefaultLimits()
	for i, f := range l.fields() {
		if *f == 0 {
			*f = *defaults.fields()[i]
		}
	}
	l.Standby = min(l.Standby, MaxAssociations-1)
	return l
}

func (l Limits) valid() bool {
	for _, f := range l.fields() {
		if *f < 0 {
			return false
		}
	}
	return true
}
