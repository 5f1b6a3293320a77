// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Mode is the security of the whole handlespace (draft section 2.15).
type Mode uint8

// The two modes; there is nothing between them.
const (
	Secured Mode = iota
	Insecure
)

// String returns "secured" or "insecure".
func (m Mode) String() string {
	if m == Insecure {
		return "insecure"
	}
	return "secured"
}

// Door is one address at which the registrar answers.
type Door struct {
	Protocol  wire.Protocol
	Transport association.Transport
	Secured   bool
	Addr      netip.AddrPort // for SCTP over UDP: the SCTP port; the UDP port is Config.EncapsulationPort
}

// String describes the door as reports show it.
func (d Door) String() string {
	security := "clear"
	if d.Secured {
		security = "tls"
	}
	return fmt.Sprintf("%s %s %s %s", d.Protocol, d.Transport, security, d.Addr)
}

// TLS is how a secured registrar speaks TLS. The zero value is TLS 1.2 and 1.3 with the
// suites that package tlspsk prefers.
type TLS struct {
	MinVersion, MaxVersion tlspsk.Version
	CipherSuites           string // OpenSSL list for pre-shared keys up to TLS 1.2
	// AllowEarlyData accepts TLS 1.3 early data, which can be replayed. Only for faults.
	AllowEarlyData bool
	// Tickets hands out session tickets, which outlive their keys. Only for faults.
	Tickets bool
	// RefusePSK leaves pre-shared keys out, which the draft makes mandatory. Only for faults.
	RefusePSK bool
	KeyLog    io.Writer // receives session secrets; only for evidence
	// Wrap stands below TLS, see association.ListenConfig. Only for faults.
	Wrap func(net.Conn) net.Conn
}

// Config describes a registrar. Zero fields get defaults, except Doors, Mode, and, when
// secured, Keys.
type Config struct {
	ServerID          wire.ServerID // 0: random, RFC 5353 section 3.2.1
	Mode              Mode
	Doors             []Door
	EncapsulationPort uint16      // UDP port of SCTP over UDP; 0: 9899 (RFC 6951)
	Keys              Keyring     // required when secured
	Certificates      *tls.Config // the server certificate that pool users check; nil: pool users cannot come over TLS
	TLS               TLS
	Timers            Timers
	Limits            Limits
	Defences          *Defences // nil: NewDefences()
	Wire              wire.Options

	Peers      []Peer      // the other registrars; none: this one is alone until another comes
	Credential *Credential // for peers and elements that name no other; required with Peers when secured
	// ElementCredential is for elements that are taken over; nil: Credential.
	ElementCredential ElementCredential
	Arbitration       Arbitration
	// DialFromDoor sets associations with peers up from the port of the ENRP door, which RFC
	// 5353 leaves open: rsplib takes no presence over an association from another port than
	// the one in its server information. It has no effect with Dial.
	DialFromDoor  bool
	Announcements *Announcements // nil: neither announced nor listened for
	Dial          DialFunc       // nil: association.Dialer from the address of the doors

	Selection *Selection // nil: no selection tickets

	// AnswerClearResolution answers pool users that ask in clear (RFC 5352 section 9.3
	// allows it, draft section 2.15 does not). Off by default.
	AnswerClearResolution bool
	// MaxBadPEReports is MAX-BAD-PE-REPORT (RFC 5352 section 3.5): an element is removed on
	// the report after that many, although it answers. 0 is never, which draft section 2.13
	// needs; other values are for faults.
	MaxBadPEReports int
	// ReflectReports sends a keep-alive at once for each report, as RFC 5352 section 3.5 has
	// it and draft section 2.14 has not. Only for faults.
	ReflectReports bool
	// ReflectRegistrations and ReflectTakeovers do so for each registration, and to all
	// elements for each message of a takeover. Only for faults.
	ReflectRegistrations, ReflectTakeovers bool
	// TrustDatagrams puts a registrar that announces its presence by UDP on the peer list,
	// where nobody can have authenticated it (draft section 2.12). Only for faults.
	TrustDatagrams bool
	// TrustAnnouncements does so with whoever is announced to the group. Only for faults.
	TrustAnnouncements bool
	Logger             *slog.Logger   // nil: silent
	Rand               *mathrand.Rand // spread of keep-alives and selection; nil: seeded from the system
}

// Errors of Start.
var (
	ErrNoDoors    = errors.New("registrar: no doors configured")
	ErrNoKeys     = errors.New("registrar: a secured registrar needs pre-shared keys")
	ErrMixedDoors = errors.New("registrar: an insecure registrar has no TLS doors (draft section 2.15)")
)

func (c *Config) complete() error {
	if len(c.Doors) == 0 {
		return ErrNoDoors
	}
	if c.Mode == Secured && c.Keys == nil {
		return ErrNoKeys
	}
	seed := [32]byte{}
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("registrar: system randomness: %w", err)
	}
	if c.Rand == nil {
		c.Rand = mathrand.New(mathrand.NewChaCha8(seed))
	}
	for c.ServerID == 0 {
		c.ServerID = wire.ServerID(binary.BigEndian.Uint32(seed[:4]))
		seed[0]++
	}
	c.Timers, c.Limits = c.Timers.withDefaults(), c.Limits.withDefaults()
	if c.Defences == nil {
		d := NewDefences()
		c.Defences = &d
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(c.Selection.complete(), c.checkPeers())
}

// tlsConfig returns what a secured door serves: pre-shared keys for elements and peers, a
// certificate for pool users. ENRP has no certificates (RFC 5353 section 6.2).
func (c *Config) tlsConfig(protocol wire.Protocol, messages bool) *tlspsk.Config {
	t := &tlspsk.Config{
		MinVersion: c.TLS.MinVersion, MaxVersion: c.TLS.MaxVersion,
		CipherSuites: c.TLS.CipherSuites, AllowEarlyData: c.TLS.AllowEarlyData, Tickets: c.TLS.Tickets,
		KeyLog: c.TLS.KeyLog, Messages: messages,
	}
	if c.Keys != nil && !c.TLS.RefusePSK {
		t.Lookup = c.Keys.Key
	}
	if protocol == wire.ASAP || c.TLS.RefusePSK {
		t.Certificates = c.Certificates
	}
	return t
}
