// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/handlespace"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// Credential is a pre-shared key by which this registrar shows who it is when it sets up an
// association. The far end shows that it is meant by holding the same key.
type Credential struct {
	Identity string
	Key      []byte
}

// Peer is another registrar of the operational scope. All that are configured are mentors,
// the first one first (RFC 5353 section 3.2.2.1), and are dialed again whenever they are
// not connected.
type Peer struct {
	Transport association.Transport // SCTP or SCTPUDP (RFC 5353 section 3.1)
	Addr      netip.AddrPort        // for SCTP the SCTP port: wire.PortENRPTLS, in clear wire.PortENRP
	UDPPort   uint16                // SCTPUDP: its encapsulation port; 0: 9899
	Server    wire.ServerID         // its identifier if the administrator knows it; 0 accepts what it says
	// Identity is the one by which this peer comes to us; Config.Keys must grant it the role
	// of a registrar. "" is whoever holds the key of our own identity.
	Identity   string
	Credential *Credential // nil: Config.Credential
}

// Destination is whom a DialFunc calls.
type Destination struct {
	Protocol   wire.Protocol // ENRP: a peer; ASAP: an element that was taken over
	Transport  association.Transport
	Addr       netip.AddrPort
	UDPPort    uint16      // SCTPUDP: 0 is 9899
	Credential *Credential // nil: in clear
}

// DialFunc sets up an association, TLS included, until ctx ends.
type DialFunc func(ctx context.Context, d Destination) (association.Association, error)

// ElementCredential names the key by which this registrar shows itself to an element that
// it has taken over, false when there is none. Elements should not share a key: each of
// them could pose as a registrar to the others.
type ElementCredential func(e handlespace.Element) (Credential, bool)

// Arbitration decides which of two registrars goes on that take over the same target.
type Arbitration uint8

// The arbitrations. RFC 5353 section 3.5.1 has the one with the smaller server ID abort its
// own attempt. Existing implementations have it the other way round; a group must agree.
const (
	LargerIDWins  Arbitration = iota // RFC 5353
	SmallerIDWins                    // rsplib
)

// beats tells whether a goes on against b.
func (x Arbitration) beats(a, b wire.ServerID) bool {
	if x == SmallerIDWins {
		return a < b
	}
	return a > b
}

// Errors of Start and New about the group.
var (
	ErrPeerTransport = errors.New("registrar: registrars speak ENRP over SCTP (RFC 5353 section 3.1)")
	ErrNoCredential  = errors.New("registrar: a secured registrar needs a credential to dial its peers")
	ErrPeerIdentity  = errors.New("registrar: the identity of a peer has not the role of a registrar")
	ErrTooManyPeers  = errors.New("registrar: more peers than Limits.MaxPeers")
)

func (c *Config) checkPeers() error {
	if len(c.Peers) > c.Limits.MaxPeers {
		return fmt.Errorf("%w: %d, %d", ErrTooManyPeers, len(c.Peers), c.Limits.MaxPeers)
	}
	for _, p := range c.Peers {
		if !p.Transport.IsSCTP() {
			return fmt.Errorf("%w: %s %s", ErrPeerTransport, p.Transport, p.Addr)
		}
		if c.Mode == Insecure {
			continue
		}
		if p.Credential == nil && c.Credential == nil {
			return fmt.Errorf("%w: %s", ErrNoCredential, p.Addr)
		}
		if grant, _ := c.Keys.Grant(p.Identity); p.Identity != "" && grant.Role != RoleRegistrar {
			return fmt.Errorf("%w: %q", ErrPeerIdentity, p.Identity)
		}
	}
	return nil
}

// enrpDoor is where peers reach this registrar, nil when there is no such door.
func (c *Config) enrpDoor() *Door {
	for i, d := range c.Doors {
		if d.Protocol == wire.ENRP && d.Transport.IsSCTP() && d.Secured == (c.Mode == Secured) {
			return &c.Doors[i]
		}
	}
	return nil
}

// transport is the one that learned addresses are dialed over: that of the ENRP door, or of
// the first peer.
func (c *Config) transport() association.Transport {
	if d := c.enrpDoor(); d != nil {
		return d.Transport
	}
	if len(c.Peers) > 0 {
		return c.Peers[0].Transport
	}
	return association.SCTP
}
