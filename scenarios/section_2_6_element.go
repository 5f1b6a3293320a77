// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_6Element: Registration/deregistration with malicious ENRP server.
//
// "The PE MUST authenticate the ENRP server. TLS is the mechanism used for the
// authentication. TLS with PSK is mandatory to implement as the authentication mechanism.
// [...] This requirement prevents malicious outsiders and insiders from adding their own
// ENRP server to the pool."
func section2_6Element() []engine.Check {
	threat := reports.Threat{
		Attacker:     "a node that stands where the element looks for its registrar, and has no key of the system",
		Precondition: "the element tells nobody anything who has not shown to know its key",
		Effect:       "registrations vanish, or users are sent wherever the rogue likes",
		Mitigation:   "TLS with the element's own pre-shared key: who does not hold it cannot finish the handshake.",
		Residual:     "A rogue at the registrar's address keeps the element out of its pool as long as it stands there.",
	}
	return []engine.Check{
		{
			ID: "2.6-pe-rogue-registrar", Section: "2.6", Role: engine.PoolElement,
			Title:        "A rogue registrar stands where the element looks for its own",
			Requirements: []string{"T2.6-R1"}, Threat: threat, Applies: needsElementKey, Run: rogueRegistrar,
		},
	}
}

// needsElementKey wants the key of the element under test, without which the harness cannot
// play its registrar.
func needsElementKey(i *sut.Instance) string {
	if i.Security == sut.Secured && i.Credentials.Element == nil {
		return "needs the key of the element (credentials.element)"
	}
	return ""
}

// poses are the ways of a rogue registrar without a key of the system.
func poses(g gomega.Gomega, r *engine.Run) []attackers.Pose {
	if r.Instance.Security == sut.Clear {
		return []attackers.Pose{attackers.PoseInClear()}
	}
	guess := make([]byte, 32)
	_, err := rand.Read(guess)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "system randomness")
	certificate, err := attackers.SelfSigned("registrar.rspthreat.test")
	g.Expect(err).NotTo(gomega.HaveOccurred(), "certificate")
	return []attackers.Pose{
		attackers.PoseWithKey("a key of its own making", guess), attackers.PoseWithIdentity(), attackers.PoseWithCertificate(certificate),
	}
}

func rogueRegistrar(ctx context.Context, r *engine.Run) {
	s := setElement(ctx, r)
	defer s.leave(ctx)
	var rogues []*attackers.RogueRegistrar
	r.Attack(ctx, "stand where the element looks for its registrar, and grant whatever it asks", func(ctx context.Context, g gomega.Gomega) string {
		var tried []string
		for _, pose := range poses(g, r) {
			rogues = append(rogues, s.rogue(ctx, g, pose))
			tried = append(tried, pose.What)
		}
		return "the element came to a rogue that shows " + strings.Join(tried, ", to one that shows ")
	})
	s.canary(ctx)
	r.Oracle(ctx, "the element told the rogue registrars nothing", func(_ context.Context, g gomega.Gomega) string {
		lines := told(rogues)
		g.Expect(lines).To(gomega.BeEmpty(), "the element sent %s", strings.Join(lines, "; "))
		return fmt.Sprintf("%d rogue registrars were told nothing", len(rogues))
	})
}
