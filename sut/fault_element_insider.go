// SPDX-License-Identifier: Apache-2.0

package sut

import (
	"crypto/ed25519"

	"github.com/rspthreat/rspthreat/reference/poolelement"
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
