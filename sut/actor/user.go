// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"context"
	"fmt"
	"net"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// User is an honest pool user.
type User struct {
	*script.Node
	blind bool // see World.Blind
}

// OpenUser connects a pool user: over TLS it checks the registrar's certificate when the
// operator named its authority, and otherwise comes with the element's key, since some way
// to ask must be there. TCP is preferred, which is how most pool users come.
func (w *World) OpenUser(ctx context.Context, name string) (*User, error) {
	doors := w.Doors(wire.ASAP)
	if len(doors) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoDoor)
	}
	door := doors[0]
	for _, d := range doors {
		if d.Transport == association.TCP {
			door = d
		}
	}
	return w.OpenUserAt(ctx, UserSpec{Name: name, Door: door})
}

// UserSpec describes a pool user that is to be connected.
type UserSpec struct {
	Name string // as reports show it
	Door script.Door
	// Wrap is a position on the user's path, see association.Dialer.
	Wrap func(net.Conn) net.Conn
}

// OpenUserAt connects a pool user as OpenUser does, through a door of the caller's choice.
func (w *World) OpenUserAt(ctx context.Context, spec UserSpec) (*User, error) {
	name, door := spec.Name, spec.Door
	certified := door.Secured && w.Instance.Credentials.RootCAs != nil
	o, err := w.options(name, door, w.Instance.Credentials.Element)
	if err != nil && !certified {
		return nil, err
	}
	if certified {
		o.TLS = CertificateConfig(&w.Instance.Credentials)
	}
	o.Wrap = spec.Wrap
	n, err := w.open(ctx, o)
	if err != nil {
		return nil, err
	}
	return &User{n, w.Blind}, nil
}

// UserOn is a pool user that asks over an association that is there already.
func (w *World) UserOn(n *script.Node) *User { return &User{n, w.Blind} }

// Resolve asks for the elements of a pool. A pool that does not exist has none.
func (u *User) Resolve(ctx context.Context, pool string) ([]wire.PoolElement, error) {
	m, err := u.Request(ctx, &wire.HandleResolution{PoolHandle: []byte(pool)}, func(m wire.Message) bool {
		r, ok := m.(*wire.HandleResolutionResponse)
		return ok && string(r.PoolHandle) == pool
	})
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", pool, err)
	}
	r := m.(*wire.HandleResolutionResponse)
	for _, c := range r.Causes {
		if c.Code != wire.CauseUnknownPoolHandle {
			return nil, fmt.Errorf("resolve %s: %w: %s", pool, ErrRejected, Causes(r.Causes))
		}
	}
	if u.blind {
		return nil, nil
	}
	return r.Elements, nil
}
