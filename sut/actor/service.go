// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"bytes"
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
)

// ServiceSpec describes an element of a pool that serves users under test.
type ServiceSpec struct {
	Name      string
	ID        wire.PEID
	Transport association.Transport // "": what the user under test reaches elements over
	Addr      netip.Addr            // invalid: one of the instance
	// Certificate is what it shows; nil: it serves in clear.
	Certificate *tls.Certificate
	// Cookie is left with a user before each answer, nil for none (RFC 5352 section 3.8).
	Cookie []byte
	Gate   *Gate // holds back who comes; nil: nothing does
	// Wrap is a position on the path to it, below TLS, see association.ListenConfig.
	Wrap func(net.Conn) net.Conn
}

// Service is an element that sends back what users send.
type Service struct {
	*script.Station
	PE wire.PoolElement // as a registrar lists it

	blind   bool
	mu      sync.Mutex
	served  []Served
	changed chan struct{} // closed and replaced when served grows
}

// Served is something that a user sent: a control message, or data as it came.
type Served struct {
	Time    time.Time
	Node    *script.Node
	Control wire.Message
	Data    []byte
}

// OpenService opens the service of an element.
func (w *World) OpenService(ctx context.Context, spec ServiceSpec) (*Service, error) {
	s := &Service{blind: w.Blind, changed: make(chan struct{})}
	transport := cmp.Or(spec.Transport, w.Instance.ServiceTransport, association.TCP)
	door := script.Door{Protocol: wire.ASAP, Transport: transport, Secured: spec.Certificate != nil}
	if !spec.Addr.IsValid() {
		spec.Addr = w.Instance.Local()
	}
	door.Addr = netip.AddrPortFrom(spec.Addr, 0)
	dialect := w.Instance.Wire
	dialect.SelectionProof = true // a user that proves its choice is understood
	o := script.StationOptions{
		Name: cmp.Or(spec.Name, "pe "+spec.ID.String()), Peer: string(w.Instance.Role), Wire: dialect, Recorder: w.Recorder,
		Wrap: spec.Wrap, Data: true,
	}
	if spec.Gate != nil {
		o.Gate = spec.Gate.Wrap
	}
	if spec.Certificate != nil {
		o.TLS = &tlspsk.Config{Certificates: &tls.Config{Certificates: []tls.Certificate{*spec.Certificate}, MinVersion: tls.VersionTLS12}}
	}
	background := context.WithoutCancel(ctx)
	o.OnPayload = func(n *script.Node, m association.Message) bool {
		if isControl(m) {
			return false
		}
		if !door.Secured && m.Payload[0] == tlsHandshake {
			// As who speaks no TLS: a user that waits for an answer to its hello gets one.
			_ = n.Send(background, &wire.ASAPError{Causes: []wire.Cause{{Code: wire.CauseUnrecognizedMessage, Info: m.Payload[:wire.HeaderLength]}}})
			return true
		}
		s.serve(Served{Time: time.Now(), Node: n, Data: bytes.Clone(m.Payload)})
		if spec.Cookie != nil {
			_ = n.Send(background, &wire.Cookie{Value: spec.Cookie}) // a user that has left needs none
		}
		_ = n.SendPayload(background, association.Message{Payload: m.Payload, PPID: m.PPID, Stream: m.Stream})
		return true
	}
	o.OnMessage = func(n *script.Node, m wire.Message) bool {
		s.serve(Served{Time: time.Now(), Node: n, Control: m})
		return true
	}
	var err error
	if s.Station, err = script.Listen(ctx, o, door); err != nil {
		return nil, err
	}
	s.PE = s.element(spec.ID)
	return s, nil
}

// tlsHandshake is the first octet of a TLS handshake (RFC 8446 section 5.1).
const tlsHandshake = 22

// isControl tells a control message from data, which has another payload protocol identifier,
// or none of the types of ASAP where no identifier is carried.
func isControl(m association.Message) bool {
	return m.PPID == wire.PPIDASAP && (m.Payload[0] <= wire.TypeASAPError || m.Payload[0] == wire.TypeSelectionProof)
}

// element is how a registrar lists the service.
func (s *Service) element(id wire.PEID) wire.PoolElement {
	door := s.Doors()[0]
	return Listed(Serving(NewPE(id, door.Addr.Addr()), door.Transport, door.Addr.Port()))
}

// Serving says of an element at which port users find its service. "" is TCP.
func Serving(pe wire.PoolElement, t association.Transport, port uint16) wire.PoolElement {
	pe.User.Kind, pe.User.Port = wire.TransportTCP, port
	if t.IsSCTP() {
		pe.User.Kind, pe.User.Use = wire.TransportSCTP, wire.DataAndControl
	}
	return pe
}

func (s *Service) serve(what Served) {
	if s.blind {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.served) < maxHeard {
		s.served = append(s.served, what)
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Served returns what users have sent, in its order.
func (s *Service) Served() []Served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.served)
}

// Await waits for something that match accepts, beyond the first known ones.
func (s *Service) Await(ctx context.Context, known int, match func(Served) bool) (Served, error) {
	for {
		s.mu.Lock()
		for i := known; i < len(s.served); i++ {
			if match(s.served[i]) {
				out := s.served[i]
				s.mu.Unlock()
				return out, nil
			}
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Served{}, fmt.Errorf("element %s: nothing such came: %w", s.PE.ID, ctx.Err())
		}
	}
}
