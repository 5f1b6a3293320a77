// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/ed25519"
	"time"

	"github.com/rspthreat/rspthreat/reference/poolelement"
	"github.com/rspthreat/rspthreat/reference/wire"
)

// elementInsiderFaults are about what elements may do against insiders (draft section 2.17).
func elementInsiderFaults() []Fault {
	return []Fault{
		{
			Name:        "sign-no-policy",
			Description: "an element that has a key to sign its policy with registers it unsigned",
			Informs:     []string{"T2.17-R2"},
			element:     func(c *poolelement.Config) { c.PolicySigner = nil },
		},
		{
			Name:        "ignore-selections",
			Description: "an element serves whoever comes, however it was selected",
			Informs:     []string{"T2.17-R1"},
			element:     func(c *poolelement.Config) { c.Selections = nil },
		},
		{
			Name:        "believe-any-selection",
			Description: "an element takes whatever is said to be a proof of selection for one",
			Informs:     []string{"T2.17-R1"},
			element: func(c *poolelement.Config) {
				c.Defences.Selection = poolelement.SelectionJudgeFunc(
					func(*poolelement.Selections, time.Time, wire.PoolHandle, wire.PEID, *wire.SelectionProof) (poolelement.Selected, error) {
						return poolelement.Selected{}, nil
					})
			},
		},
		{
			Name:        "sign-with-another-key",
			Description: "an element signs its policy with a key that nobody has been told of",
			Informs:     []string{"T2.17-R2"},
			element: func(c *poolelement.Config) {
				if c.PolicySigner == nil {
					return
				}
				seed := make([]byte, ed25519.SeedSize)
				if s, err := poolelement.NewPolicySigner(ed25519.NewKeyFromSeed(seed)); err == nil {
					c.PolicySigner = s
				}
			},
		},
	}
}
