// SPDX-License-Identifier: Apache-2.0

package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
)

// View sees the handlespace through a pool user that resolves and, where the operator gave
// a peer credential (or the system is in clear), a peer registrar that downloads the table.
type View struct {
	user *User
	peer *Peer // nil: the view is less certain
	// own is what the registrar says itself; nil: nothing. It makes up for a peer.
	own   sut.RegistrarNode
	tells bool // who was authenticated: it has done so
	// blind is as in World.
	blind bool
	// Partial says why there is no peer; empty when there is one.
	Partial string
}

// viewServerID is the server ID of the honest peer registrar.
const viewServerID = wire.ServerID(0x52535032) // "RSP2"

// OpenView connects the observers.
func (w *World) OpenView(ctx context.Context) (*View, error) {
	user, err := w.OpenUser(ctx, "pu observer")
	if err != nil {
		return nil, err
	}
	v := &View{user: user, own: w.Instance.Own, blind: w.Blind}
	switch {
	case len(w.Doors(wire.ENRP)) == 0:
		v.Partial = "there is no ENRP door to look through"
	case w.Instance.Security == sut.Secured && w.Instance.Credentials.Peer == nil:
		v.Partial = "there is no peer credential"
	default:
		if v.peer, err = w.OpenPeer(ctx, PeerSpec{Name: "peer observer", ID: viewServerID}); err != nil {
			user.Abort()
			return nil, err
		}
	}
	if v.own == nil {
		return v, nil
	}
	switch _, err := v.own.Handlespace(ctx); {
	case err == nil:
		v.Partial = ""
	case errors.Is(err, sut.ErrUnsupported):
		v.own = nil // without an answer there is no telling what came before what
	default:
		v.Close(ctx)
		return nil, fmt.Errorf("the registrar's own view: %w", err)
	}
	return v, nil
}

// Close ends the observers' associations.
func (v *View) Close(ctx context.Context) {
	v.user.Close(ctx)
	if v.peer != nil {
		v.peer.Close(ctx)
	}
}

// User is the observing pool user.
func (v *View) User() *User { return v.user }

// Peer is the observing peer registrar, nil when there is none.
func (v *View) Peer() *Peer { return v.peer }

// Snapshot is a handlespace as seen at one moment: a sorted line for each element.
type Snapshot []string

// Contains tells whether element id of pool is in the snapshot, as either observer sees it.
func (s Snapshot) Contains(pool string, id wire.PEID) bool { return s.Find(pool, id) != nil }

// Find returns the lines about element id of pool.
func (s Snapshot) Find(pool string, id wire.PEID) []string {
	var lines []string
	for _, line := range s {
		for _, how := range []string{resolved, inTable, itself} {
			if strings.HasPrefix(line, how+subject(wire.PoolHandle(pool), id)) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// How a line of a Snapshot was seen.
const (
	resolved = "resolved: "
	inTable  = "table: "
	itself   = "registrar: " // by its own word
)

// subject begins a line about one element. The handle is in quotes, which are escaped in a
// handle: whatever the handle, it cannot be taken for another one.
func subject(pool wire.PoolHandle, id wire.PEID) string {
	return fmt.Sprintf("pool \"%s\" element %s ", pool, id)
}

// Snapshot looks at the given pools, and through the peer at all pools.
func (v *View) Snapshot(ctx context.Context, pools ...string) (Snapshot, error) {
	s := Snapshot{} // an empty handlespace has been looked at, which nil says it has not
	for _, pool := range pools {
		elements, err := v.user.Resolve(ctx, pool)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			s = append(s, resolved+line([]byte(pool), &e))
		}
	}
	if v.peer != nil {
		table, err := v.peer.Table(ctx)
		if err != nil {
			return nil, err
		}
		for _, entry := range table {
			for _, e := range entry.Elements {
				s = append(s, inTable+line(entry.PoolHandle, &e))
			}
		}
	}
	lines, err := v.itself(ctx)
	if err != nil {
		return nil, err
	}
	s = append(s, lines...)
	if v.blind {
		return Snapshot{}, nil
	}
	slices.Sort(s)
	return slices.Compact(s), nil
}

// itself is the handlespace by the registrar's own word, with who owns which element: an owner
// that changes is seen by nobody else, until the new one uses what it got.
func (v *View) itself(ctx context.Context) ([]string, error) {
	if v.own == nil {
		return nil, nil
	}
	entries, err := v.own.Handlespace(ctx)
	if err != nil {
		return nil, fmt.Errorf("the registrar's own view: %w", err)
	}
	lines := make([]string, 0, len(entries))
	for _, e := range entries {
		owner := "of nobody it knows"
		if e.Owner != "" {
			owner = "of " + e.Owner
		}
		lines = append(lines, itself+subject(wire.PoolHandle(e.Pool), e.ID)+fmt.Sprintf("at %s, %s", e.Addr, owner))
	}
	return lines, nil
}

// Authenticated tells who has shown a key to the registrar since it was asked last, by the
// registrar's own word; ok is false where it says nothing about that.
func (v *View) Authenticated(ctx context.Context) (who []string, ok bool, err error) {
	if v.own == nil {
		return nil, false, nil
	}
	// Its answer comes after the events of what was before.
	if _, err := v.own.Handlespace(ctx); err != nil {
		return nil, false, fmt.Errorf("the registrar's own view: %w", err)
	}
	for {
		select {
		case e, running := <-v.own.Events():
			if !running {
				return who, v.tells, nil
			}
			if e.Kind == sut.EventAuthenticated {
				v.tells = true
				who = append(who, fmt.Sprintf("%s from %s", e.Identity, e.Remote))
			}
		default:
			return who, v.tells, nil
		}
	}
}

// line leaves out what changes by itself, such as the remaining life.
func line(pool wire.PoolHandle, e *wire.PoolElement) string {
	addrs := make([]string, 0, len(e.User.Addrs))
	for _, a := range e.User.Addrs {
		addrs = append(addrs, a.String())
	}
	slices.Sort(addrs)
	return fmt.Sprintf("%sat %s port %d %s, policy %s, home %s",
		subject(pool, e.ID), e.User.Kind, e.User.Port, strings.Join(addrs, "+"), e.Policy.Type, e.Home)
}
