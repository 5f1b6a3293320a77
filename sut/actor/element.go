// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// lifeSeconds is the registration life that honest elements ask for: longer than a check.
const lifeSeconds = 300

// servicePort is the port at which elements say that they serve; nothing listens there.
const servicePort = 7777

// Element is an honest pool element with one association to its home registrar.
type Element struct {
	*script.Node
	Pool string
	PE   wire.PoolElement
}

// Spec describes a pool element that is to be connected.
type Spec struct {
	Name string // as reports show it
	Door script.Door
	ID   wire.PEID
	// Answer tells whether to acknowledge a keep-alive; nil always does.
	Answer func() bool
	// Wrap is a position on the element's path, see association.Dialer.
	Wrap func(net.Conn) net.Conn
}

// OpenElement connects a pool element of the instance's pool, with the element's key.
func (w *World) OpenElement(ctx context.Context, spec Spec) (*Element, error) {
	pool := w.Instance.Pool
	o, err := w.options(spec.Name, spec.Door, w.Instance.Credentials.Element)
	if err != nil {
		return nil, err
	}
	o.Wrap = spec.Wrap
	e := &Element{Pool: pool}
	o.OnMessage = func(n *script.Node, m wire.Message) bool {
		k, ok := m.(*wire.EndpointKeepAlive)
		if !ok || !bytes.Equal(k.PoolHandle, []byte(pool)) {
			return false
		}
		if spec.Answer == nil || spec.Answer() {
			// The reader sends it, so there is no context of a caller; an association that
			// has ended shows in the next request.
			_ = n.Send(context.WithoutCancel(ctx), &wire.EndpointKeepAliveAck{PoolHandle: k.PoolHandle, PEID: spec.ID})
		}
		return true
	}
	if e.Node, err = w.open(ctx, o); err != nil {
		return nil, err
	}
	e.PE = NewPE(spec.ID, e.Info().Local.Addr())
	return e, nil
}

// NewPE describes a pool element that serves at addr over SCTP, round robin.
func NewPE(id wire.PEID, addr netip.Addr) wire.PoolElement {
	return wire.PoolElement{
		ID: id, Life: lifeSeconds,
		User:   wire.Transport{Kind: wire.TransportSCTP, Port: servicePort, Addrs: []netip.Addr{addr.Unmap()}},
		Policy: wire.Policy{Type: wire.RoundRobin},
	}
}

// Register registers or re-registers the element, and returns ErrRejected with the causes
// when the registrar does not want it.
func (e *Element) Register(ctx context.Context) error {
	return Register(ctx, e.Node, e.Pool, e.PE)
}

// Register registers pe through n.
func Register(ctx context.Context, n *script.Node, pool string, pe wire.PoolElement) error {
	m, err := n.Request(ctx, &wire.Registration{PoolHandle: []byte(pool), Element: pe}, isRegistrationResponse(pool, pe.ID))
	if err != nil {
		return fmt.Errorf("register %s in %s: %w", pe.ID, pool, err)
	}
	if r := m.(*wire.RegistrationResponse); r.Reject {
		return fmt.Errorf("register %s in %s: %w: %s", pe.ID, pool, ErrRejected, Causes(r.Causes))
	}
	return nil
}

// Deregister takes the element out of its pool.
func (e *Element) Deregister(ctx context.Context) error {
	m, err := e.Request(ctx, &wire.Deregistration{PoolHandle: []byte(e.Pool), PEID: e.PE.ID}, func(m wire.Message) bool {
		r, ok := m.(*wire.DeregistrationResponse)
		return ok && r.PEID == e.PE.ID && string(r.PoolHandle) == e.Pool
	})
	if err != nil {
		return fmt.Errorf("deregister %s from %s: %w", e.PE.ID, e.Pool, err)
	}
	if r := m.(*wire.DeregistrationResponse); len(r.Causes) > 0 {
		return fmt.Errorf("deregister %s from %s: %w: %s", e.PE.ID, e.Pool, ErrRejected, Causes(r.Causes))
	}
	return nil
}

func isRegistrationResponse(pool string, id wire.PEID) func(wire.Message) bool {
	return func(m wire.Message) bool {
		r, ok := m.(*wire.RegistrationResponse)
		return ok && r.PEID == id && string(r.PoolHandle) == pool
	}
}

// Causes renders error causes for a sentence.
func Causes(causes []wire.Cause) string {
	if len(causes) == 0 {
		return "no cause given"
	}
	s := ""
	for i, c := range causes {
		if i > 0 {
			s += ", "
		}
		s += c.Code.String()
	}
	return s
}
