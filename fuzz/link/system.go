// SPDX-License-Identifier: Apache-2.0

// Package link speaks with a system under test as the cases want it: associations by every
// credential and through every door, many messages in one flight with honest questions between
// them that tell which answer belongs to what, and scripts from beginning to end.
package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/fuzz/conversation"
	"github.com/rspthreat/rspthreat/fuzz/model"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// ErrNoDoor says that the system has no such door, or the harness not the credential for it.
var ErrNoDoor = errors.New("the system under test has no such door")

// System is a running system under test and how it is reached.
type System struct {
	Secured         bool
	Doors           []sut.Door
	Credentials     sut.Credentials
	Pool, OtherPool string
	Wire            wire.Options
	// Response is how long an answer, a handshake or the end of an association may take.
	Response time.Duration
	// Removal is how long a silent element may stay after its life has ended.
	Removal time.Duration
	// Local gives an address for the next association; nil leaves it to the system.
	Local func() netip.Addr
	// Witness is who asks honest questions after datagrams, which are not answered; nil for nobody.
	Witness *conversation.Caller

	once sync.Once
	tls  map[tlsKey]*tlspsk.Config
	own  sync.Map // addresses that associations have come from
}

// Own tells whether an association of the harness has come from the address.
func (s *System) Own(a netip.Addr) bool {
	_, own := s.own.Load(a.Unmap())
	return own
}

type tlsKey struct {
	as       conversation.Credential
	messages bool
}

// FromInstance describes an instance of package sut.
func FromInstance(i *sut.Instance) *System {
	return &System{
		Secured: i.Security == sut.Secured, Doors: i.Doors, Credentials: i.Credentials,
		Pool: i.Pool, OtherPool: i.OtherPool, Wire: i.Wire,
		Response: i.Timers.Response, Removal: i.Timers.Removal, Local: i.Local,
	}
}

// Callers lists who can come through which door, in the order of the doors: with every
// credential through every TLS door that may know it, and with none through the clear ones. UDP
// doors come last, those of multicast groups are left out.
func (s *System) Callers() []conversation.Caller {
	var list, last []conversation.Caller
	for i := range s.Doors {
		d := &s.Doors[i]
		if d.Transport == association.UDP {
			if c := (conversation.Caller{Protocol: d.Protocol, Transport: association.UDP, As: conversation.Nobody}); !d.Addr.Addr().IsMulticast() && !slices.Contains(last, c) {
				last = append(last, c)
			}
			continue
		}
		c := conversation.Caller{Protocol: d.Protocol, Transport: d.Transport, Secured: d.Secured}
		if !d.Secured {
			c.As = conversation.Nobody
			list = append(list, c)
			continue
		}
		for _, as := range []conversation.Credential{
			conversation.Certificate, conversation.AsElement, conversation.Restricted, conversation.AsPeer,
		} {
			c.As = as
			if s.tlsConfig(c) != nil && !(as == conversation.Certificate && d.Protocol == wire.ENRP) {
				list = append(list, c)
			}
		}
	}
	return append(list, last...)
}

// ipv6 tells whether all its doors are at IPv6 addresses.
func (s *System) ipv6() bool {
	return !slices.ContainsFunc(s.Doors, func(d sut.Door) bool { return d.Addr.Addr().Unmap().Is4() })
}

// World describes the system for the planner; callers are those that it lets in.
func (s *System) World(callers []conversation.Caller) *model.World {
	w := &model.World{Secured: s.Secured, Pool: s.Pool, OtherPool: s.OtherPool, Wire: s.Wire, IPv6: s.ipv6()}
	for _, c := range callers {
		w.Parts = append(w.Parts, model.Part{Role: model.RoleOf(s.Secured, c), Caller: c})
	}
	return w
}

// tlsConfig returns the configuration of a caller under TLS, which all its associations share;
// nil when the credential was not given.
func (s *System) tlsConfig(c conversation.Caller) *tlspsk.Config {
	s.once.Do(func() {
		s.tls = map[tlsKey]*tlspsk.Config{}
		for _, messages := range []bool{false, true} {
			add := func(as conversation.Credential, config *tlspsk.Config) {
				config.Messages = messages
				s.tls[tlsKey{as, messages}] = config
			}
			for as, key := range map[conversation.Credential]*sut.PSK{
				conversation.AsElement: s.Credentials.Element, conversation.AsOther: s.Credentials.Other,
				conversation.Restricted: s.Credentials.Restricted, conversation.AsPeer: s.Credentials.Peer,
			} {
				if key != nil {
					add(as, &tlspsk.Config{PSKIdentity: key.Identity, PSKKey: key.Key})
				}
			}
			if s.Credentials.RootCAs != nil {
				add(conversation.Certificate, &tlspsk.Config{Certificates: &tls.Config{
					RootCAs: s.Credentials.RootCAs, ServerName: s.Credentials.ServerName, MinVersion: tls.VersionTLS12,
				}})
			}
		}
	})
	return s.tls[tlsKey{c.As, c.Transport != association.TCP}]
}

// Evidence records what crosses the wire; Write takes the TLS secrets.
type Evidence interface {
	association.Tap
	io.Writer
}

func (s *System) door(c conversation.Caller) (*sut.Door, error) {
	for i := range s.Doors {
		if d := &s.Doors[i]; d.Protocol == c.Protocol && d.Transport == c.Transport && d.Secured == c.Secured && !d.Addr.Addr().IsMulticast() {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoDoor, c)
}

// dialer returns what sets up associations of the caller.
func (s *System) dialer(c conversation.Caller, evidence Evidence) (*association.Dialer, netip.AddrPort, error) {
	door, err := s.door(c)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	d := &association.Dialer{
		Transport: c.Transport, UDPPort: door.EncapsulationPort, PPID: c.Protocol.PPID(), Liveness: association.NoLiveness,
		Limits: association.Limits{ReadQueue: readQueue, HandshakeTimeout: s.Response},
	}
	if s.Local != nil {
		d.Local = s.Local()
	}
	if evidence != nil {
		d.Tap = evidence
	}
	if !c.Secured {
		return d, door.Addr, nil
	}
	config := s.tlsConfig(c)
	if config == nil {
		return nil, door.Addr, fmt.Errorf("%w: no credential for %s", ErrNoDoor, c)
	}
	if evidence != nil {
		config = config.Clone()
		config.KeyLog = evidence
	}
	d.TLS = config
	return d, door.Addr, nil
}
