// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Security says how the handlespace of a registrar is protected, as a whole (draft 2.15).
type Security string

// The two kinds of handlespace.
const (
	Secured Security = "secured"
	Clear   Security = "clear"
)

// Door is one address at which the system under test answers, or refuses.
type Door struct {
	Protocol          wire.Protocol
	Transport         association.Transport
	Secured           bool
	Addr              netip.AddrPort
	EncapsulationPort uint16 // UDP port of SCTP over UDP; 0 for 9899 (RFC 6951)
}

// String describes the door: "asap sctp-udp tls 127.1.2.1:3864".
func (d Door) String() string {
	security := "clear"
	if d.Secured {
		security = "tls"
	}
	return fmt.Sprintf("%s %s %s %s", d.Protocol, d.Transport, security, d.Addr)
}

// Timers bound how long a check waits for the system under test.
type Timers struct {
	// Response: an answer to a request, a handshake, the end of a refused association.
	Response time.Duration
	// Removal: from an unreachable report until an element that stays silent is removed.
	Removal time.Duration
	// KeepAlive is the mean time between keep-alives to an idle element; 0: not known.
	KeepAlive time.Duration
}

// Wanted says what a check is about. The zero values are a registrar, and what the system
// is declared to be.
type Wanted struct {
	Role     Role
	Security Security
	// KeepAlives asks for a registrar whose idle keep-alives come often enough to be watched,
	// where that can be chosen.
	KeepAlives bool
	// Patient asks for a registrar that gives elements long to acknowledge, for checks in
	// which no element falls silent.
	Patient bool
	// Peers asks for a registrar that looks for other registrars, for the harness to play
	// them, where that can be chosen.
	Peers bool
}

// Target is a system under test that checks can be run against.
type Target interface {
	// Prepare gives a check a system to judge. Where the system allows it (embedded, or
	// rung 1 with a reset command) it is a fresh one. ErrNoVariant is returned when the
	// system cannot be had like that.
	Prepare(ctx context.Context, w Wanted) (*Instance, error)
	// Security is how the system is declared.
	Security() Security
	// Roles are the parts that can be judged, at least one.
	Roles() []Role
	// Rung is how much the system lets the harness do (0, 1 or 2).
	Rung() int
	// Shared tells that all instances are one and the same running system, so that checks
	// must take turns.
	Shared() bool
	// Close frees what the target holds and stops what it started.
	Close(ctx context.Context) error
}

// Errors of Target.Prepare.
var (
	ErrNoVariant   = errors.New("the system under test cannot be had in this security mode")
	ErrUnreachable = errors.New("the system under test cannot be reached")
)

// Instance is a system under test, as one check sees it: a running registrar, or what starts
// pool elements and pool users.
type Instance struct {
	Role     Role
	Security Security
	// Driver starts elements and users under test; nil for a registrar.
	Driver Driver
	// Own is a registrar's own view of itself; nil where no adapter has it.
	Own RegistrarNode
	// Registrars are the places where an element or user under test looks for registrars,
	// for the harness to play them there; none: it is told, and Local gives addresses.
	Registrars []Place
	// PlayedOver is what those registrars are reached over without such places, in turn; none:
	// TCP for a user, SCTP over UDP for an element.
	PlayedOver []association.Transport
	// ServiceTransport is what a user under test reaches the services of elements over; "" is TCP.
	ServiceTransport association.Transport
	// Node is the address that an element or user under test works from; invalid: unknown.
	Node        netip.Addr
	Doors       []Door
	Credentials Credentials
	// Authority certifies what the harness plays for an element or user under test, which
	// gets its root; nil for a registrar.
	Authority *Authority
	Pool      string // a pool that Element and OtherElement may join
	OtherPool string // a pool that only Restricted may join
	Timers    Timers
	Limits    Limits // what it promises
	// Peers are the places where a registrar looks for its peers, for the harness to play them.
	Peers    []Place
	Wire     wire.Options // dialect that the harness speaks with this system
	Pristine bool         // the handlespace is empty and nobody else uses it

	local func() netip.Addr
	log   func() []string
	close func(ctx context.Context) error
	// Nil where the system has no way to do it.
	revoke  func(ctx context.Context, identity string) error
	restart func(ctx context.Context) error
	// broken is nil where nothing stands between the harness and the system.
	broken func(ctx context.Context) error
}

// Local returns an address for the next node of the harness. Addresses differ where the
// system under test is reached over loopback or the configuration names several. The zero
// Addr leaves the choice to the operating system.
func (i *Instance) Local() netip.Addr {
	if i.local == nil {
		return netip.Addr{}
	}
	return i.local()
}

// Log returns what the system under test has logged since it was prepared.
func (i *Instance) Log() []string {
	if i.log == nil {
		return nil
	}
	return i.log()
}

// Revoke has the system's administrator withdraw an identity's key, for the life of the
// instance; Close gives it back where the system is shared. Associations that the identity
// has are left to the system. ErrUnsupported is returned when there is no way to do it.
func (i *Instance) Revoke(ctx context.Context, identity string) error {
	if i.revoke == nil {
		return fmt.Errorf("%w: it has no way to withdraw a key (commands.revoke)", ErrUnsupported)
	}
	return i.revoke(ctx, identity)
}

// Restart ends the registrar and starts it again at the same doors, and returns when it is
// ready. Its handlespace may be empty then. ErrUnsupported is returned when there is no way
// to do it.
func (i *Instance) Restart(ctx context.Context) error {
	if i.restart == nil {
		return fmt.Errorf("%w: it has no way to be started again (commands.restart, or start and stop)", ErrUnsupported)
	}
	return i.restart(ctx)
}

// Broken returns an error when what stands between the harness and the system under test, its
// adapter or its commands, does not work any more. Then nothing that is missing is the
// system's fault.
func (i *Instance) Broken(ctx context.Context) error {
	if i.broken == nil {
		return nil
	}
	return i.broken(ctx)
}

// Close ends the instance, or leaves the system as it is when it is shared.
func (i *Instance) Close(ctx context.Context) error {
	if i.close == nil {
		return nil
	}
	return i.close(ctx)
}

// Associations returns the doors of Find that take associations, which datagrams do not.
func (i *Instance) Associations(protocol wire.Protocol, secured bool) []Door {
	return slices.DeleteFunc(i.Find(protocol, secured), func(d Door) bool { return d.Transport == association.UDP })
}

// Find returns the doors that serve protocol, with or without TLS, in their order.
func (i *Instance) Find(protocol wire.Protocol, secured bool) []Door {
	var found []Door
	for _, d := range i.Doors {
		if d.Protocol == protocol && d.Secured == secured {
			found = append(found, d)
		}
	}
	return found
}
