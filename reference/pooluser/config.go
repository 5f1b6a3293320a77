// SPDX-License-Identifier: Apache-2.0

package pooluser

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"
	"time"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Mode says whether registrars are asked under TLS.
type Mode uint8

// The two modes. Secured is the zero value; Clear must be asked for.
const (
	Secured Mode = iota
	Clear
)

// String returns "secured" or "clear".
func (m Mode) String() string {
	if m == Clear {
		return "clear"
	}
	return "secured"
}

// Server is where a registrar may be found.
type Server struct {
	Transport association.Transport // TCP, SCTP or SCTPUDP
	Addr      netip.AddrPort        // port 0: 3864, in clear 3863
	// Name is the reference identity (RFC 5352 section 9.2): a DNS name, or an
	// address, that the certificate must have in its subjectAltName. "" is the
	// address of Addr. Unused with a pre-shared key and in clear.
	Name    string
	UDPPort uint16 // SCTP over UDP: encapsulation port, 0 for 9899
}

// String describes the server for logs.
func (s Server) String() string { return fmt.Sprintf("%s %s", s.Transport, s.Addr) }

// Announce says how to listen for ASAP_SERVER_ANNOUNCE (RFC 5352 section 3.6).
type Announce struct {
	Local     netip.AddrPort // usually 0.0.0.0:3863
	Groups    []netip.Addr   // usually 224.0.1.185, the IANA client channel
	Interface string         // where to join the groups; "" leaves it to the kernel
	// Name is what certificates of announced registrars must be for, when one name
	// stands for all of them; "" is the announced address.
	Name string
	// SCTP carries what is announced as SCTP; "" is SCTPUDP, since raw SCTP needs a privilege.
	SCTP association.Transport
	// Listen replaces the UDP socket; nil opens one.
	Listen ListenFunc
}

// Timers of RFC 5352 section 7 and our own. Zero means the value of DefaultTimers.
type Timers struct {
	Request    time.Duration // T1-ENRPrequest
	Hunt       time.Duration // T5-Serverhunt
	HuntMax    time.Duration // RETRAN.max: ceiling of the doubling of T5
	Outdate    time.Duration // T7-ENRPoutdate: life of an announcement
	StaleCache time.Duration // stale.cache.value; NoCache turns the cache off
	Connect    time.Duration // set-up of an association with an element, TLS included
	// Liveness is the silence of an element's transport after which it is lost; the
	// default is that of package association.
	Liveness time.Duration
	Failover time.Duration // from the loss of an element until the session gives up
}

// NoCache as StaleCache makes every resolution ask the registrar.
const NoCache time.Duration = -1

// DefaultTimers returns the RFC's values where it has some.
func DefaultTimers() Timers {
	return Timers{
		Request: 15 * time.Second, Hunt: 10 * time.Second, HuntMax: 60 * time.Second, Outdate: 5 * time.Second,
		// As long as registrars wait between keep-alives: their answer is no fresher.
		StaleCache: 30 * time.Second,
		Liveness:   association.DefaultLiveness,
		Connect:    10 * time.Second, // two lost INITs or SYNs and a TLS handshake
		// Three requests to a silent registrar (45 s) and one element that does not answer.
		Failover: 60 * time.Second,
	}
}

// Limits bound what others can make the pool user spend. Zero means the value of
// DefaultLimits.
type Limits struct {
	Retransmits   int // MAX-REQUEST-RETRANSMIT (RFC 5352 section 7.3)
	Associations  int // with registrars at once; at most three (RFC 5352 section 3.6, SH1)
	Announced     int // announced registrars remembered
	PerSource     int // of these, from one source address
	CachedPools   int
	Elements      int // elements remembered as used
	Sessions      int
	ReadQueue     int // messages of a session that wait for Receive; then the element is held up
	Notices       int // failover notices that wait in Session.Failovers; then the oldest is lost
	Evidence      int // policy evidence that waits in User.PolicyEvidence; then what is new is lost
	Reports       int // unreachable reports that wait for a registrar
	BarrenChanges int // failovers in a row to elements that then say nothing at all
}

// maxAssociations is the MUST NOT of SH1.
const maxAssociations = 3

// DefaultLimits returns the RFC's values where it has some.
func DefaultLimits() Limits {
	return Limits{
		Retransmits: 2, Associations: maxAssociations,
		Announced: 64, PerSource: 4, // more registrars than pools have; more addresses than registrars have
		CachedPools: 1024, Elements: 4096, Sessions: 1024,
		ReadQueue: 64, Notices: 16, Evidence: 64, Reports: 16,
		BarrenChanges: 8, // elements that hang up at once must not keep us dialling
	}
}

// Config describes a pool user. It needs Servers or Announce, and Credentials
// unless Mode is Clear.
type Config struct {
	Mode        Mode
	Servers     []Server
	Announce    *Announce   // nil: no announcements
	Credentials Credentials // towards registrars
	Elements    Elements
	// SignedPolicies checks what elements sign; nil: it is not looked at.
	SignedPolicies *SignedPolicies
	// ProveSelection selects elements by a hash over the registrar's public nonce and proves it
	// to them, where registrar and policy allow it (draft section 2.17, reference/EXTENSIONS.md).
	// It takes precedence over business cards.
	ProveSelection bool
	Timers         Timers
	Limits         Limits
	Defences       *Defences // nil: NewDefences()
	Wire           wire.Options
	Dial           DialFunc        // nil: DialAssociation
	Logger         *slog.Logger    // nil: silent
	Rand           mathrand.Source // selection; nil: seeded from the system. Used by the User alone.
}

// Errors of New.
var (
	ErrNoServers     = errors.New("pooluser: neither registrars nor announcements configured")
	ErrNoCredentials = errors.New("pooluser: a secured pool user needs root certificates or a pre-shared key")
	ErrConfig        = errors.New("pooluser: configuration")
)

func (c *Config) complete() error {
	if len(c.Servers) == 0 && c.Announce == nil {
		return ErrNoServers
	}
	if c.Mode == Secured && !c.Credentials.usable() {
		return ErrNoCredentials
	}
	if c.SignedPolicies != nil && c.SignedPolicies.Keys == nil {
		return fmt.Errorf("%w: signed policies without keys", ErrConfig)
	}
	c.Timers, c.Limits = c.Timers.withDefaults(), c.Limits.withDefaults()
	if c.Limits.Associations > maxAssociations {
		return fmt.Errorf("%w: %d associations with registrars, at most %d (RFC 5352 section 3.6)", ErrConfig, c.Limits.Associations, maxAssociations)
	}
	c.Servers = append([]Server(nil), c.Servers...)
	for i := range c.Servers {
		if err := c.Servers[i].complete(c.Mode); err != nil {
			return err
		}
	}
	if c.Rand == nil {
		var seed [32]byte
		if _, err := rand.Read(seed[:]); err != nil {
			return fmt.Errorf("pooluser: system randomness: %w", err)
		}
		c.Rand = mathrand.NewChaCha8(seed)
	}
	if c.Defences == nil {
		d := NewDefences()
		c.Defences = &d
	}
	if c.Dial == nil {
		c.Dial = DialAssociation
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c.Elements.complete()
}

func (s *Server) complete(mode Mode) error {
	if s.Transport != association.TCP && !s.Transport.IsSCTP() {
		return fmt.Errorf("%w: registrar %s: transport %q", ErrConfig, s.Addr, s.Transport)
	}
	if !s.Addr.Addr().IsValid() {
		return fmt.Errorf("%w: registrar without an address", ErrConfig)
	}
	if s.Addr.Port() == 0 {
		s.Addr = netip.AddrPortFrom(s.Addr.Addr(), defaultPort(mode))
	}
	return nil
}

// defaultPort is the registered ASAP port (RFC 5352 section 8.2).
func defaultPort(mode Mode) uint16 {
	if mode == Clear {
		return wire.PortASAP
	}
	return wire.PortASAPTLS
}

func (t Timers) withDefaults() Timers {
	d := DefaultTimers()
	for _, f := range []struct{ value, standard *time.Duration }{
		{&t.Request, &d.Request},
		{&t.Hunt, &d.Hunt},
		{&t.HuntMax, &d.HuntMax},
		{&t.Outdate, &d.Outdate},
		{&t.StaleCache, &d.StaleCache},
		{&t.Connect, &d.Connect},
		{&t.Liveness, &d.Liveness},
		{&t.Failover, &d.Failover},
	} {
		if *f.value == 0 {
			*f.value = *f.standard
		}
	}
	return t
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, standard *int }{
		{&l.Retransmits, &d.Retransmits},
		{&l.Associations, &d.Associations},
		{&l.Announced, &d.Announced},
		{&l.PerSource, &d.PerSource},
		{&l.CachedPools, &d.CachedPools},
		{&l.Elements, &d.Elements},
		{&l.Sessions, &d.Sessions},
		{&l.ReadQueue, &d.ReadQueue},
		{&l.Notices, &d.Notices},
		{&l.Evidence, &d.Evidence},
		{&l.Reports, &d.Reports},
		{&l.BarrenChanges, &d.BarrenChanges},
	} {
		if *f.value <= 0 {
			*f.value = *f.standard
		}
	}
	return l
}
