// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// registrarID is the server ID of an honest registrar that the harness plays.
const registrarID = wire.ServerID(0x52535031) // "RSP1"

// RegistrarSpec describes a registrar that the harness plays for elements and users under
// test.
type RegistrarSpec struct {
	Name   string        // as reports show it; "registrar" when empty
	Server wire.ServerID // 0: a fixed one
	Place  sut.Place
	// Certificate is what it shows to pool users; nil: it takes pre-shared keys only.
	Certificate *tls.Certificate
	// TLS replaces what it speaks over TLS altogether.
	TLS *tlspsk.Config
	// Wrap is a position on the path to it, below TLS, see association.ListenConfig.
	Wrap func(net.Conn) net.Conn
	Gate *Gate // holds back who comes; nil: nothing does
	// More doors at the same address, such as those in clear.
	More []sut.Place
	// Members are in every pool from the start, beside those that register.
	Members []wire.PoolElement
	// Intercept sees every message first; true means that it is dealt with.
	Intercept func(n *script.Node, m wire.Message) bool
}

// Registrar is an honest registrar that does what RFC 5352 has a home registrar do: it
// confirms registrations, answers resolutions with what it was told, and hears reports.
type Registrar struct {
	*script.Station
	Server wire.ServerID
	Place  sut.Place

	mu      sync.Mutex
	members []wire.PoolElement
	heard   []Heard
	changed chan struct{} // closed and replaced when something is heard
}

// Heard is a message that a registrar got.
type Heard struct {
	Time    time.Time
	Node    *script.Node
	Message wire.Message
}

// OpenRegistrar opens a registrar for the system under test to find.
func (w *World) OpenRegistrar(ctx context.Context, spec RegistrarSpec) (*Registrar, error) {
	r := &Registrar{
		Server: cmp.Or(spec.Server, registrarID), members: slices.Clone(spec.Members), changed: make(chan struct{}),
	}
	config := spec.TLS
	if config == nil {
		config = w.registrarTLS(spec.Certificate)
	}
	doors := []script.Door{asapDoor(spec.Place)}
	for _, p := range spec.More {
		doors = append(doors, asapDoor(p))
	}
	var hold func(net.Conn) net.Conn
	if spec.Gate != nil {
		hold = spec.Gate.Wrap
	}
	var err error
	r.Station, err = script.Listen(ctx, script.StationOptions{
		Name: cmp.Or(spec.Name, peerName), Peer: string(w.Instance.Role), TLS: config, Wire: w.Instance.Wire, Recorder: w.Recorder,
		Wrap: spec.Wrap, Gate: hold,
		OnMessage: func(n *script.Node, m wire.Message) bool {
			if spec.Intercept == nil || !spec.Intercept(n, m) {
				r.serve(context.WithoutCancel(ctx), n, m)
			}
			if !w.Blind { // after the answer, so that who has waited for a message comes behind it
				r.hear(n, m)
			}
			return true
		},
	}, doors...)
	if err != nil {
		return nil, err
	}
	r.Place = spec.Place
	r.Place.Addr = r.Doors()[0].Addr
	return r, nil
}

func asapDoor(p sut.Place) script.Door {
	return script.Door{Protocol: wire.ASAP, Transport: p.Transport, Secured: p.Secured, Addr: p.Addr, EncapsulationPort: p.EncapsulationPort}
}

// registrarTLS knows the keys of the elements under test, and shows a certificate to users.
func (w *World) registrarTLS(certificate *tls.Certificate) *tlspsk.Config {
	config := &tlspsk.Config{Lookup: func(identity string) []byte {
		for _, k := range w.Instance.Credentials.Keys() {
			if k.Identity == identity {
				return slices.Clone(k.Key)
			}
		}
		return nil
	}}
	if certificate != nil {
		config.Certificates = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	}
	return config
}

// CertificateServer is the TLS configuration of a node that shows a certificate and knows
// no keys.
func CertificateServer(certificate tls.Certificate) *tlspsk.Config {
	return &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}}
}

// Listed completes the description of an element for a list that a registrar gives out.
func Listed(pe wire.PoolElement) wire.PoolElement {
	pe.Home = registrarID
	pe.ASAP, pe.HasASAP = wire.Transport{Kind: wire.TransportSCTP, Port: wire.PortASAP, Addrs: pe.User.Addrs}, true
	return pe
}

func (r *Registrar) hear(n *script.Node, m wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heard) < maxHeard {
		r.heard = append(r.heard, Heard{time.Now(), n, m})
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// maxHeard bounds what a flooding node under test can make a registrar keep.
const maxHeard = 16_384

// serve answers a message. An association that has ended shows in what the node under test
// does next.
func (r *Registrar) serve(ctx context.Context, n *script.Node, m wire.Message) {
	switch m := m.(type) {
	case *wire.Registration:
		r.mu.Lock()
		r.members = slices.DeleteFunc(r.members, func(e wire.PoolElement) bool { return e.ID == m.Element.ID })
		element := m.Element
		element.Home = r.Server
		r.members = append(r.members, element)
		r.mu.Unlock()
		_ = n.Send(ctx, &wire.RegistrationResponse{PoolHandle: m.PoolHandle, PEID: m.Element.ID})
	case *wire.Deregistration:
		r.mu.Lock()
		r.members = slices.DeleteFunc(r.members, func(e wire.PoolElement) bool { return e.ID == m.PEID })
		r.mu.Unlock()
		_ = n.Send(ctx, &wire.DeregistrationResponse{PoolHandle: m.PoolHandle, PEID: m.PEID})
	case *wire.HandleResolution:
		_ = n.Send(ctx, r.resolution(m.PoolHandle))
	}
}

func (r *Registrar) resolution(handle wire.PoolHandle) *wire.HandleResolutionResponse {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == 0 {
		return &wire.HandleResolutionResponse{PoolHandle: handle, Causes: []wire.Cause{{Code: wire.CauseUnknownPoolHandle}}}
	}
	return &wire.HandleResolutionResponse{
		PoolHandle: handle, Policy: r.members[0].Policy, HasPolicy: true, Elements: slices.Clone(r.members),
	}
}

// Members are the elements that it would resolve to, now.
func (r *Registrar) Members() []wire.PoolElement {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}

// SetMembers replaces the elements of its pools.
func (r *Registrar) SetMembers(members ...wire.PoolElement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members = slices.Clone(members)
}

// Heard returns all messages that came.
func (r *Registrar) Heard() []Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heard)
}

// Await waits for a message that match accepts, beyond the first known ones, and returns it
// with the number of messages up to it.
func (r *Registrar) Await(ctx context.Context, known int, match func(wire.Message) bool) (Heard, int, error) {
	for {
		r.mu.Lock()
		for i := known; i < len(r.heard); i++ {
			if match(r.heard[i].Message) {
				h := r.heard[i]
				r.mu.Unlock()
				return h, i + 1, nil
			}
		}
		known = max(known, len(r.heard))
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Heard{}, known, fmt.Errorf("registrar at %s: no such message came: %w", r.Place.Addr, ctx.Err())
		}
	}
}

// AwaitRegistration waits until an element has registered.
func (r *Registrar) AwaitRegistration(ctx context.Context) (*wire.Registration, *script.Node, error) {
	h, _, err := r.Await(ctx, 0, func(m wire.Message) bool {
		_, ok := m.(*wire.Registration)
		return ok
	})
	if err != nil {
		return nil, nil, err
	}
	return h.Message.(*wire.Registration), h.Node, nil
}

// RegistrarPlace is where the n-th registrar that the harness plays is found by the system
// under test: where its configuration says, or at an address of the harness's choice.
func (w *World) RegistrarPlace(n int) (sut.Place, error) {
	i := w.Instance
	if len(i.Registrars) > 0 {
		if n >= len(i.Registrars) {
			return sut.Place{}, fmt.Errorf("%w: it looks for registrars at %d places, %d are needed", ErrNoPlace, len(i.Registrars), n+1)
		}
		return i.Registrars[n], nil
	}
	p := sut.Place{Transport: association.SCTPUDP, Secured: i.Security == sut.Secured}
	switch {
	case len(i.PlayedOver) > 0:
		p.Transport = i.PlayedOver[n%len(i.PlayedOver)]
	case i.Role == sut.PoolUser:
		p.Transport = association.TCP // how most pool users come
	}
	port := uint16(wire.PortASAP)
	if p.Secured {
		port = wire.PortASAPTLS
	}
	p.Addr = netip.AddrPortFrom(i.Local(), port)
	return p, nil
}
