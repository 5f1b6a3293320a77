//go:build interop

// SPDX-License-Identifier: Apache-2.0

package interop_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// signing has an element sign what it registers.
func signing(t *testing.T) func(*poolelement.Config) {
	t.Helper()
	signer, err := poolelement.NewPolicySigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *poolelement.Config) {
		c.PolicySigner = signer
		for i := range c.Pools {
			c.Pools[i].Policy = wire.Policy{Type: wire.Random}
		}
	}
}

// rsplib knows nothing of the insider extensions (EXTENSIONS.md): rspregistrar takes an element
// that signs, and rsplib's user takes a resolution with a signed policy and a selection ticket.
func TestRsplibSkipsTheInsiderExtensions(t *testing.T) {
	const id wire.PEID = 0x0badcafe
	want := fmt.Sprintf("from PE $%08x> hello", uint32(id))
	t.Run("rspregistrar", func(t *testing.T) {
		b := newBed(t)
		b.rspregistrar(firstRegistrar, smallID)
		n := b.element(here(0), id, hosts(addr(firstRegistrar)), signing(t))
		b.expect(n, poolelement.Registered)
		if u := b.user(hosts(addr(firstRegistrar)), nil); !b.resolved(u, id) {
			t.Error("the element is not there")
		}
		b.rspterminal(addr(firstRegistrar), "hello", want)
	})
	t.Run("rspterminal", func(t *testing.T) {
		b := newBed(t)
		chain, err := policy.NewNonceChain(policy.Nonce{1}, time.Now().Add(-time.Hour), time.Minute, 1000)
		if err != nil {
			t.Fatal(err)
		}
		r := b.registrar(here(1), func(c *registrar.Config) {
			c.Selection = &registrar.Selection{Chain: chain, Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))}
		})
		n := b.element(here(0), id, hosts(here(1)), signing(t))
		b.expect(n, poolelement.Registered)
		if e, ok := r.element(id); !ok || len(e.PE.SignedPolicy) == 0 {
			t.Errorf("the registrar has %+v", e)
		}
		b.rspterminal(here(1), "hello", want)
	})
}
