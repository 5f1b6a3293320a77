// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/ed25519"
	"fmt"

	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/poolelement"
)

// againstInsiders configures what the reference element does about insiders (draft section
// 2.17; reference/EXTENSIONS.md).
func againstInsiders(cfg *poolelement.Config, spec *ElementSpec) (err error) {
	if spec.SigningKey != nil {
		if len(spec.SigningKey) != ed25519.SeedSize {
			return fmt.Errorf("%w: seed of %d octets", poolelement.ErrPolicySigner, len(spec.SigningKey))
		}
		if cfg.PolicySigner, err = poolelement.NewPolicySigner(ed25519.NewKeyFromSeed(spec.SigningKey)); err != nil {
			return err
		}
	}
	s := spec.Selections
	if s == nil {
		return nil
	}
	rules := poolelement.SelectionRules{
		Anchor: policy.Anchor{Start: s.Start, Period: s.Period, Length: s.Length}, Required: true,
	}
	if len(s.Nonce) != len(rules.Anchor.Nonce) {
		return fmt.Errorf("%w: nonce of %d octets", poolelement.ErrSelectionRules, len(s.Nonce))
	}
	copy(rules.Anchor.Nonce[:], s.Nonce)
	for _, k := range s.Keys {
		rules.Keys = append(rules.Keys, ed25519.PublicKey(k))
	}
	cfg.Selections, err = poolelement.NewSelections(rules)
	return err
}
