// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_11Element: Data confidentiality.
//
// "A provision for data confidentiality service SHOULD be available. TLS provides data
// confidentiality in support of this mechanism."
func section2_11Element() []engine.Check {
	return []engine.Check{{
		ID: "2.11-pe-eavesdropping", Section: "2.11", Role: engine.PoolElement,
		Title:        "A passive node listens to an element, and a registrar agrees to suites without encryption only",
		Requirements: []string{"T2.11-R1", "T2.11-R2"},
		Threat: reports.Threat{
			Attacker:     "a passive node on the path between the element and its registrar",
			Precondition: "an encrypting cipher suite is negotiated, and the element agrees to no other",
			Effect:       "the attacker learns which services there are, and at which addresses",
			Mitigation:   "TLS with suites that encrypt; the element offers no others.",
			Residual:     "Identities travel in clear in the handshake, and sizes and times of messages show what is going on.",
		},
		Applies: needsElementKey, Run: eavesdropOnElement,
	}}
}

func eavesdropOnElement(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := setElement(ctx, r)
	defer s.leave(ctx)
	var read []string
	r.Passive(ctx, "listen to a registration and a keep-alive", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		read = s.overheard(g, ear)
		return fmt.Sprintf("can be read: %s", list(read))
	})
	var agreed []*attackers.RogueRegistrar
	var offered []string
	if r.Instance.Security == sut.Secured {
		r.Attack(ctx, "agree to cipher suites without encryption only", func(ctx context.Context, g gomega.Gomega) string {
			rogue := s.rogue(ctx, g, attackers.PoseWithoutEncryption(s.spec.Identity.Key, nullCiphers))
			agreed = append(agreed, rogue)
			for _, first := range rogue.Openings() {
				suites, err := attackers.OfferedSuites(first)
				if err != nil {
					continue // not TLS, which section 2.2 is about
				}
				for _, suite := range suites {
					if attackers.Unencrypted(suite) {
						offered = append(offered, tls.CipherSuiteName(suite))
					}
				}
			}
			return fmt.Sprintf("the element came %d times", rogue.Attempts())
		})
	}
	s.canary(ctx)
	r.Oracle(ctx, "nothing can be read", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads: %s", strings.Join(read, ", "))
		return "neither handle nor identifier nor address can be read"
	})
	if r.Instance.Security != sut.Secured {
		return
	}
	r.Oracle(ctx, "cipher suites without encryption are neither offered nor agreed to", func(_ context.Context, g gomega.Gomega) string {
		untold(g, agreed)
		g.Expect(offered).To(gomega.BeEmpty(), "the element offers %s", strings.Join(offered, ", "))
		return "suites without encryption are not offered"
	})
	if shown := ear.Reads([]attackers.Secret{{What: "the identity of the element", Bytes: []byte(s.spec.Identity.Identity)}}); len(shown) > 0 {
		r.Note("in the handshake an eavesdropper reads %s, as TLS with pre-shared keys has it", strings.Join(shown, ", "))
	}
}

// overheard is what an eavesdropper could read of the element's registration.
func (s *elementStage) overheard(g gomega.Gomega, ear *attackers.Eavesdropper) []string {
	octets, all := ear.Overheard()
	g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
	g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
	return ear.Reads(attackers.Secrets(s.spec.Pool, &s.registered.Element))
}
