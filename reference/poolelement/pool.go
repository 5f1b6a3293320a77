// SPDX-License-Identifier: Apache-2.0

package poolelement

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// DefaultLife is the registration life in seconds where a Pool names none: with T4 an
// element that vanished unnoticed is gone after five minutes.
const DefaultLife int32 = 300

// Pool is the membership of the element in one pool. An element has at most one in a pool,
// because a keep-alive names the pool only (RFC 5352 section 2.2.7).
type Pool struct {
	Handle wire.PoolHandle
	ID     wire.PEID // 0: random (RFC 5352 section 3.1 R2.2); kept for good
	Policy wire.Policy
	// User is where pool users find the service. Without addresses it is at the address,
	// without a kind at the address, port and transport, that the registration goes out
	// from (RFC 5352 section 6.1).
	User wire.Transport
	Life int32 // seconds; wire.LifeInfinite; 0: DefaultLife
}

// Errors about pools.
var (
	ErrPool         = errors.New("poolelement: pool")
	ErrUnknownPool  = errors.New("poolelement: not a member of the pool")
	ErrNotCorrected = errors.New("poolelement: registration was rejected and is unchanged")
)

// check finds what cannot be registered and completes the rest. The handle in errors is escaped.
func (p *Pool) check(o *wire.Options) error {
	if p.Life == 0 {
		p.Life = DefaultLife
	}
	if p.Policy.Type == 0 {
		p.Policy.Type = wire.RoundRobin
	}
	for p.ID == 0 {
		id, err := randomPEID()
		if err != nil {
			return err
		}
		p.ID = id
	}
	// What an association will add later cannot be checked now.
	trial := p.registration(association.Info{Transport: association.SCTP, Local: netip.MustParseAddrPort("127.0.0.1:1")})
	if _, err := trial.Append(nil, o); err != nil {
		return fmt.Errorf("%w %s: %w", ErrPool, p.Handle, err)
	}
	return nil
}

func randomPEID() (wire.PEID, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("poolelement: system randomness: %w", err)
	}
	return wire.PEID(binary.BigEndian.Uint32(b[:])), nil
}

// clone returns a copy that shares nothing with p.
func (p Pool) clone() Pool {
	p.Handle = slices.Clone(p.Handle)
	p.Policy.Data = slices.Clone(p.Policy.Data)
	p.User.Addrs, p.User.Opaque = slices.Clone(p.User.Addrs), slices.Clone(p.User.Opaque)
	return p
}

// equal tells whether a registration of q would say the same as one of p.
func (p Pool) equal(q Pool) bool { return reflect.DeepEqual(p.clone(), q.clone()) }

// registration returns the message that registers p over an association (R2).
func (p *Pool) registration(info association.Info) *wire.Registration {
	return &wire.Registration{PoolHandle: p.Handle, Element: p.element(info)}
}

func (p *Pool) element(info association.Info) wire.PoolElement {
	user := p.User
	if user.Kind == 0 {
		user.Kind, user.Port = wire.TransportSCTP, info.Local.Port()
		if !info.Transport.IsSCTP() {
			user.Kind = wire.TransportTCP
		}
	}
	if len(user.Addrs) == 0 && user.Kind != wire.TransportOpaque {
		user.Addrs = []netip.Addr{info.Local.Addr().Unmap()}
	}
	return wire.PoolElement{ID: p.ID, Life: p.Life, User: user, Policy: p.Policy}
}
