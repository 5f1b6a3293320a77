// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Mode is whether the element speaks with registrars over TLS only, or in clear only.
type Mode uint8

// The two modes; there is nothing between them (draft section 2.15).
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

// Registrar is where a registrar may be reached.
type Registrar struct {
	Transport association.Transport // SCTP or SCTPUDP; TCP is outside of RFC 5352 section 3.1
	Addr      netip.AddrPort        // for SCTP the SCTP port: wire.PortASAPTLS, in clear wire.PortASAP
	UDPPort   uint16                // SCTPUDP: the encapsulation port; 0: 9899
	Server    wire.ServerID         // its identifier if the administrator knows it; 0 accepts the first it says
}

// String returns transport and address.
func (r Registrar) String() string { return fmt.Sprintf("%s %s", r.Transport, r.Addr) }

// RegistrarKey is the pre-shared key by which a registrar that sets up the association
// itself (after a takeover, RFC 5353 section 3.5.2) shows who it is. It must not be a key
// that an element holds as its own: the element, or whoever reflects its handshakes, could
// then pose as a registrar (RFC 9257 section 4.1, the Selfie attack).
type RegistrarKey struct {
	Name   string
	Key    []byte
	Server wire.ServerID // the only server ID that it may use; 0 leaves it to its first message
}

// Door is an address at which the element takes associations from registrars.
type Door struct {
	Transport association.Transport
	// Secured doors speak TLS. A clear door of a secured element is open only to refuse.
	Secured bool
	Addr    netip.AddrPort // for SCTP the port is also the one that the element dials from
}

// TLS is how a secured element speaks TLS. The zero value is TLS 1.2 and 1.3 with the
// suites that package tlspsk prefers.
type TLS struct {
	MinVersion, MaxVersion tlspsk.Version
	CipherSuites           string    // OpenSSL list for pre-shared keys up to TLS 1.2
	KeyLog                 io.Writer // receives session secrets; only for evidence
}

// DialFunc sets up an association with a registrar, TLS included, until ctx ends.
type DialFunc func(ctx context.Context, r Registrar) (association.Association, error)

// Config describes an element. Zero fields get defaults, except Mode, the identity of a
// secured element, and a way to find registrars: Registrars, Announcements or Doors.
type Config struct {
	Mode Mode
	// Identity and Key are the pre-shared key of this element; required when secured.
	Identity string
	Key      []byte

	Registrars    []Registrar
	Announcements *Announcements // nil: announcements are not listened for
	Pools         []Pool         // registered from the start; Register adds more

	// Local is the address to dial from; zero leaves it to the kernel. RFC 5352 section
	// 3.1 R1 wants it to be an address of each pool's user transport.
	Local netip.Addr
	// EncapsulationPort is our UDP port of SCTP over UDP; 0: 9899 with a door, where
	// registrars look for it because no message tells it, and any free one without.
	EncapsulationPort uint16
	Doors             []Door         // for registrars that come to us; none: they cannot
	RegistrarKeys     []RegistrarKey // who may come through a secured door
	TLS               TLS
	Dial              DialFunc // nil: association.Dialer with the above
	Tap               association.Tap

	// Cookies signs and verifies what Control leaves with pool users; its key is shared by
	// the elements of a pool. nil: no cookies are sent, and none is believed.
	Cookies *Cookies

	// PolicySigner signs what is registered; nil: it is not signed.
	PolicySigner *PolicySigner
	// Selections judges how pool users that come to Control have selected the element; nil:
	// their proofs are discarded.
	Selections *Selections

	Timers   Timers
	Limits   Limits
	Defences *Defences // nil: NewDefences()
	Wire     wire.Options
	Logger   *slog.Logger   // nil: silent
	Rand     *mathrand.Rand // order among equal candidates; nil: seeded from the system
}

// Errors of Start.
var (
	ErrNoRegistrars  = errors.New("poolelement: no registrars, announcements or doors configured")
	ErrNoKey         = errors.New("poolelement: a secured element needs an identity and a key")
	ErrSharedKey     = errors.New("poolelement: two pre-shared keys are the same")
	ErrRegistrarKeys = errors.New("poolelement: registrar key")
	ErrMixedDoors    = errors.New("poolelement: an insecure element has no TLS doors")
	ErrTimer         = errors.New("poolelement: timers and limits must not be negative")
)

// complete checks c and fills in defaults.
func (c *Config) complete() error {
	if len(c.Registrars) == 0 && c.Announcements == nil && len(c.Doors) == 0 {
		return ErrNoRegistrars
	}
	if err := c.checkKeys(); err != nil {
		return err
	}
	for _, d := range c.Doors {
		if d.Secured && c.Mode == Insecure {
			return fmt.Errorf("%w: %s %s", ErrMixedDoors, d.Transport, d.Addr)
		}
		if !c.Local.IsValid() {
			c.Local = d.Addr.Addr() // calls and doors share the SCTP socket
		}
	}
	if c.Rand == nil {
		c.Rand = mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64()))
	}
	c.Timers = c.Timers.withDefaults()
	c.Limits = c.Limits.withDefaults()
	if !c.Timers.valid() || !c.Limits.valid() {
		return fmt.Errorf("%w: %+v %+v", ErrTimer, c.Timers, c.Limits)
	}
	if c.Defences == nil {
		d := NewDefences()
		c.Defences = &d
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
