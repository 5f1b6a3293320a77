// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/wire"
)

// EventKind says what happened.
type EventKind uint8

// The kinds of events, and the fields of Event that they fill in beside Time and Kind.
const (
	Hunting              EventKind = iota + 1 // the element looks for a home
	RegistrarFailed                           // Remote, Err: no association with a candidate
	RegistrarRefused                          // Remote, Err: a node has not shown to be a registrar
	HomeFound                                 // Remote, Server if known: a hunt was successful
	HomeChanged                               // Remote, Server: another registrar took the element over
	HomeRefused                               // Remote, Server, Pool, Err: a keep-alive that must not move the element
	HomeLost                                  // Remote, Server if known, Err
	Registered                                // Pool, PEID, Remote, Causes of a warning
	Rejected                                  // Pool, PEID, Remote, Causes: not tried again before it is corrected
	RegistrationFailed                        // Pool, PEID, Err: given up after MAX-REG-ATTEMPT
	Expired                                   // Pool, PEID, Remote: the registrar ended the registration
	Deregistered                              // Pool, PEID, Remote unless it never was registered
	DeregistrationFailed                      // Pool, PEID, Causes or Err
	KeepAliveFlood                            // Pool, Remote: more keep-alives than are answered one by one
	PeerError                                 // Remote, Causes: an ASAP_ERROR
	SelectionRefused                          // Pool, PEID, Remote, Err: a pool user has not been led here by the pool's policy
)

var eventNames = [...]string{
	Hunting: "hunting", RegistrarFailed: "registrar-failed", RegistrarRefused: "registrar-refused",
	HomeFound: "home-found", HomeChanged: "home-changed", HomeRefused: "home-refused", HomeLost: "home-lost",
	Registered: "registered", Rejected: "rejected", RegistrationFailed: "registration-failed", Expired: "expired",
	Deregistered: "deregistered", DeregistrationFailed: "deregistration-failed",
	KeepAliveFlood: "keep-alive-flood", PeerError: "peer-error", SelectionRefused: "selection-refused",
}

// String returns the kind in lower case with hyphens.
func (k EventKind) String() string {
	if int(k) < len(eventNames) && k > 0 {
		return eventNames[k]
	}
	return fmt.Sprintf("event %d", uint8(k))
}

// Event is something that the user of an element may want to know.
type Event struct {
	Time   time.Time
	Kind   EventKind
	Pool   wire.PoolHandle
	PEID   wire.PEID
	Server wire.ServerID // 0: unknown
	Remote netip.AddrPort
	Causes []wire.Cause
	Err    error
}

// Events returns the events in their order. The channel is closed when the element has
// ended. Who does not read loses events, which Stats.EventsLost counts, and nothing else.
func (e *Element) Events() <-chan Event { return e.events }

// emit queues an event. The caller holds e.mu.
func (e *Element) emit(ev Event) {
	ev.Time = time.Now()
	e.log.Info(ev.Kind.String(), "pool", ev.Pool.String(), "pe", ev.PEID.String(), "server", ev.Server.String(),
		"remote", ev.Remote, "causes", causeNames(ev.Causes), "error", ev.Err)
	if e.ended {
		return
	}
	select {
	case e.events <- ev:
	default:
		e.stats.EventsLost++
	}
}

func causeNames(causes []wire.Cause) []string {
	var names []string
	for _, c := range causes {
		names = append(names, c.Code.String())
	}
	return names
}
