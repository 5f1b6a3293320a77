// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/pooluser"
	"github.com/rspthreat/rspthreat/reference/registrar"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// nonceChain is when the nonces of provable selection are (reference/EXTENSIONS.md).
type nonceChain struct {
	Start  string `yaml:"start"`
	Period string `yaml:"period"`
	Length uint64 `yaml:"length"`
}

// registrarSelection has a registrar give out selection tickets.
type registrarSelection struct {
	Chain    nonceChain `yaml:",inline"`
	SeedFile string     `yaml:"seed_file"`
	KeyFile  string     `yaml:"key_file"`
}

// elementSelection has an element judge how users have selected it.
type elementSelection struct {
	Chain             nonceChain `yaml:",inline"`
	Anchor            string     `yaml:"anchor"`
	RegistrarKeyFiles []string   `yaml:"registrar_key_files"`
	Required          bool       `yaml:"required"`
}

// signedPolicies has a user check what elements sign.
type signedPolicies struct {
	Required bool        `yaml:"required"`
	Keys     []policyKey `yaml:"keys"`
}

type policyKey struct {
	ID      uint32 `yaml:"id"`
	KeyFile string `yaml:"key_file"`
}

// pemBlock reads a file with one PEM block of the type.
func (d *document) pemBlock(place, path, typ string) []byte {
	d.required(place, path)
	if d.err != nil {
		return nil
	}
	b, err := os.ReadFile(d.file(path))
	if err != nil {
		d.fail(place, "%w", err)
		return nil
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != typ {
		d.fail(place, "%s: no %s in it", path, typ)
		return nil
	}
	return block.Bytes
}

var errNotEd25519 = errors.New("not an Ed25519 key")

// signingKey reads an Ed25519 key as `openssl genpkey -algorithm ed25519` writes it.
func (d *document) signingKey(place, path string) ed25519.PrivateKey {
	der := d.pemBlock(place, path, "PRIVATE KEY")
	if der == nil {
		return nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	signing, ok := key.(ed25519.PrivateKey)
	if err == nil && !ok {
		err = errNotEd25519
	}
	if err != nil {
		d.fail(place, "%s: %w", path, err)
	}
	return signing
}

// verifyingKey reads an Ed25519 key as `openssl pkey -pubout` writes it.
func (d *document) verifyingKey(place, path string) ed25519.PublicKey {
	der := d.pemBlock(place, path, "PUBLIC KEY")
	if der == nil {
		return nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	verifying, ok := key.(ed25519.PublicKey)
	if err == nil && !ok {
		err = errNotEd25519
	}
	if err != nil {
		d.fail(place, "%s: %w", path, err)
	}
	return verifying
}

// nonce reads 32 octets in hexadecimal digits.
func (d *document) nonce(place, text string) (n policy.Nonce) {
	d.required(place, text)
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err == nil && len(b) != len(n) {
		err = fmt.Errorf("%d octets, must be %d", len(b), len(n))
	}
	if err != nil {
		d.fail(place, "%w", err)
		return n
	}
	return policy.Nonce(b)
}

func (d *document) anchor(x nonceChain) policy.Anchor {
	d.required("selection.start", x.Start)
	d.required("selection.period", x.Period)
	a := policy.Anchor{Length: x.Length}
	var err error
	if a.Start, err = time.Parse(time.RFC3339, x.Start); err != nil {
		d.fail("selection.start", "%w", err)
	}
	d.duration("selection.period", x.Period, &a.Period)
	if err := a.Check(); err != nil {
		d.fail("selection.length", "%w", err)
	}
	return a
}

// selection is how a registrar signs its answers; nil when it does not.
func (x *registrarSelection) selection(d *document) *registrar.Selection {
	if x == nil {
		return nil
	}
	s := &registrar.Selection{Key: d.signingKey("selection.key_file", x.KeyFile)}
	anchor := d.anchor(x.Chain)
	d.required("selection.seed_file", x.SeedFile)
	if d.err != nil {
		return nil
	}
	b, err := os.ReadFile(d.file(x.SeedFile))
	if err != nil {
		d.fail("selection.seed_file", "%w", err)
		return nil
	}
	seed := d.nonce("selection.seed_file", string(b))
	if d.err != nil {
		return nil
	}
	if s.Chain, err = policy.NewNonceChain(seed, anchor.Start, anchor.Period, anchor.Length); err != nil {
		d.fail("selection", "%w", err)
	}
	return s
}

// selections is what an element believes; nil when it does not ask.
func (x *elementSelection) selections(d *document) *poolelement.Selections {
	if x == nil {
		return nil
	}
	rules := poolelement.SelectionRules{Anchor: d.anchor(x.Chain), Required: x.Required}
	rules.Anchor.Nonce = d.nonce("selection.anchor", x.Anchor)
	for n, f := range x.RegistrarKeyFiles {
		rules.Keys = append(rules.Keys, d.verifyingKey(fmt.Sprintf("selection.registrar_key_files[%d]", n), f))
	}
	if d.err != nil {
		return nil
	}
	s, err := poolelement.NewSelections(rules)
	if err != nil {
		d.fail("selection", "%w", err)
	}
	return s
}

// signer is how an element signs what it registers; nil when it does not.
func (d *document) signer(path string) *poolelement.PolicySigner {
	if path == "" {
		return nil
	}
	key := d.signingKey("policy_key_file", path)
	if d.err != nil {
		return nil
	}
	s, err := poolelement.NewPolicySigner(key)
	if err != nil {
		d.fail("policy_key_file", "%w", err)
	}
	return s
}

// check is what a user knows of its elements' keys; nil when it knows none.
func (x *signedPolicies) check(d *document, pool string) *pooluser.SignedPolicies {
	if x == nil {
		return nil
	}
	var keys pooluser.PolicyKeyring
	for n, k := range x.Keys {
		keys = append(keys, pooluser.PolicyKey{
			Pool: pool, ID: wire.PEID(k.ID), Key: d.verifyingKey(fmt.Sprintf("signed_policies.keys[%d].key_file", n), k.KeyFile),
		})
	}
	return &pooluser.SignedPolicies{Keys: keys, Required: x.Required}
}
