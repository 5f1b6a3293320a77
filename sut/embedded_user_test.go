// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/netip"
	"testing"

	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// userBed is a reference registrar with reference elements, and what a user is told of them.
type userBed struct {
	*testing.T
	target    *Embedded
	registrar *Instance
	users     *Instance
	elements  map[wire.PEID]ElementNode
	spec      UserSpec
}

func newUserBed(t *testing.T, security Security, faults ...Fault) (context.Context, *userBed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience) // that of t ends before its Cleanup
	t.Cleanup(cancel)
	b := &userBed{T: t, target: embedded(t, faults...), elements: make(map[wire.PEID]ElementNode)}
	b.registrar = prepare(t, b.target, security)
	var err error
	if b.users, err = b.target.Prepare(ctx, Wanted{Role: PoolUser, Security: security}); err != nil {
		t.Fatal(err)
	}
	b.spec = UserSpec{Security: security, Elements: security, Local: b.users.Node, Pool: b.users.Pool, Seed: 1}
	for _, d := range b.registrar.Associations(wire.ASAP, security == Secured) {
		if d.Transport == association.TCP {
			b.spec.Registrars = []Place{{Transport: d.Transport, Addr: d.Addr, Secured: d.Secured, Name: b.registrar.Credentials.ServerName}}
		}
	}
	if security == Secured {
		b.spec.Roots, b.spec.ElementRoots = b.users.Authority.PEM(), b.users.Authority.PEM()
	}
	return ctx, b
}

// serve starts an element of the pool that serves over TCP.
func (b *userBed) serve(ctx context.Context, id wire.PEID, key *PSK) {
	b.Helper()
	spec := ElementSpec{
		Security: b.spec.Security, Identity: key, Local: b.registrar.Local(), Pool: b.spec.Pool, ID: id,
		Service: Service{Transport: association.TCP, Secured: b.spec.Security == Secured},
	}
	spec.Service.Addr = netip.AddrPortFrom(spec.Local, 0)
	for _, d := range b.registrar.Associations(wire.ASAP, b.spec.Security == Secured) {
		if d.Transport == association.SCTPUDP {
			spec.Registrars = []Place{{Transport: d.Transport, Addr: d.Addr, Secured: d.Secured}}
		}
	}
	if spec.Service.Secured {
		c, err := b.users.Authority.Server(spec.Local.String())
		if err != nil {
			b.Fatal(err)
		}
		key, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
		if err != nil {
			b.Fatal(err)
		}
		spec.Service.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
		spec.Service.Key = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})
	}
	n, err := b.target.StartElement(ctx, spec)
	if err != nil {
		b.Fatal(err)
	}
	b.elements[id] = n
	b.Cleanup(func() { _ = n.Stop(ctx) }) // a test may have stopped it
	(&elementBed{T: b.T}).await(ctx, n, EventRegistered)
}

func (b *userBed) start(ctx context.Context) UserNode {
	b.Helper()
	n, err := b.users.Driver.StartUser(ctx, b.spec)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := n.Stop(ctx); err != nil {
			b.Error(err)
		}
		for range n.Events() { // and it is closed
		}
	})
	return n
}

// TestEmbeddedUserDoesWhatTheDriverAsks, with a registrar and elements of the reference.
func TestEmbeddedUserDoesWhatTheDriverAsks(t *testing.T) {
	for _, security := range []Security{Secured, Clear} {
		t.Run(string(security), func(t *testing.T) {
			ctx, b := newUserBed(t, security)
			b.serve(ctx, 1, b.registrar.Credentials.Element)
			b.serve(ctx, 2, b.registrar.Credentials.Other)
			u := b.start(ctx)
			members, err := u.Resolve(ctx)
			if err != nil || len(members) != 2 {
				t.Fatalf("%v, %v; want 2 elements", members, err)
			}
			for _, m := range members {
				if !m.Addr.Addr().IsLoopback() || m.Addr.Port() == 0 {
					t.Errorf("element %s is at %s", m.ID, m.Addr)
				}
			}
			for _, data := range []string{"one", "two"} {
				if reply, err := u.Send(ctx, []byte(data)); err != nil || string(reply) != data {
					t.Errorf("sent %q, got %q, %v", data, reply, err)
				}
			}
			ev := (&elementBed{T: t}).await(ctx, u, EventConnected)
			if ev.Secured != (security == Secured) || b.elements[ev.PEID] == nil {
				t.Errorf("%+v", ev)
			}
			// The element ends, and the session goes on with the other one.
			if err := b.elements[ev.PEID].Stop(ctx); err != nil {
				t.Error(err)
			}
			notice := (&elementBed{T: t}).await(ctx, u, EventFailover)
			if notice.From != ev.PEID || notice.PEID != 3-ev.PEID || notice.Reason == "" {
				t.Errorf("%+v", notice)
			}
			if reply, err := u.Send(ctx, []byte("three")); err != nil || string(reply) != "three" {
				t.Errorf("after the failover: %q, %v", reply, err)
			}
			if len(u.Log()) == 0 {
				t.Error("no log of what happened")
			}
		})
	}
}

// TestEmbeddedUserSaysWhatWentWrong, as the node's own word.
func TestEmbeddedUserSaysWhatWentWrong(t *testing.T) {
	ctx, b := newUserBed(t, Secured)
	u := b.start(ctx)
	if _, err := u.Resolve(ctx); !errors.Is(err, ErrNode) {
		t.Errorf("resolve a pool that does not exist: %v", err)
	}
	if _, err := u.Send(ctx, []byte("x")); !errors.Is(err, ErrNode) {
		t.Errorf("send to a pool that does not exist: %v", err)
	}
	b.spec.Roots = []byte("no certificate")
	if _, err := b.users.Driver.StartUser(ctx, b.spec); !errors.Is(err, errNoRoots) {
		t.Errorf("roots that are none: %v", err)
	}
}

// TestEmbeddedUserBelievesTheAuthorityThatItWasGiven and no other; a faulty one does.
func TestEmbeddedUserBelievesTheAuthorityThatItWasGiven(t *testing.T) {
	other, err := NewAuthority("another")
	if err != nil {
		t.Fatal(err)
	}
	faulty, err := FindFaults("user-ignore-chain")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		faults  []Fault
		believe bool
	}{{nil, false}, {faulty, true}} {
		ctx, b := newUserBed(t, Secured, row.faults...)
		b.serve(ctx, 1, b.registrar.Credentials.Element)
		b.spec.Roots = other.PEM()
		u := b.start(ctx)
		trying, cancel := context.WithTimeout(ctx, impatience)
		defer cancel()
		if _, err := u.Resolve(trying); (err == nil) != row.believe {
			t.Errorf("with %d faults: %v", len(row.faults), err)
		}
	}
}
