// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_7Registrar: Malicious ENRP handlespace resolution, on registrars.
//
// "The administrator uses a centralized CA to generate and sign certificates. The certificate
// is stored on the ENRP server."
func section2_7Registrar() []engine.Check {
	return []engine.Check{{
		ID: "2.7-registrar-certificate", Section: "2.7", Role: engine.Registrar, Security: sut.Secured,
		Title:        "The registrar shows a certificate of the administrator's authority, for its own name",
		Requirements: []string{"T2.7-R2", "T2.7-R3"},
		Threat: reports.Threat{
			Attacker:     "a rogue registrar that pool users find; here, what they would have to tell it apart by",
			Precondition: "the real registrar has a certificate that the users' root vouches for",
			Effect:       "users have nothing to tell a rogue by, or learn to ignore what is wrong",
			Mitigation:   "TLS with a certificate that chains to the root given to users out of band",
			Residual:     "how the root gets to the users is outside of the protocol",
		},
		Applies: func(i *sut.Instance) string {
			if i.Credentials.RootCAs == nil {
				return "needs the authority of the registrar's certificate (credentials.ca_file)"
			}
			return ""
		},
		Run: registrarCertificate,
	}}
}

func registrarCertificate(ctx context.Context, r *engine.Run) {
	doors := site(r).Secured(wire.ASAP)
	r.Baseline(ctx, "the TLS doors take associations", func(ctx context.Context, g gomega.Gomega) string {
		g.Expect(doors).NotTo(gomega.BeEmpty(), "there is no ASAP door with TLS")
		for _, door := range doors {
			n, err := script.Open(ctx, plainOptions(r, "pu honest", door, nil))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "open an association")
			n.Abort()
		}
		return fmt.Sprintf("%d doors take associations", len(doors))
	})
	var refused, unverified []string
	asked := r.Canary(ctx, "pool users come with certificates, one that checks nothing and one that checks everything", func(ctx context.Context, _ gomega.Gomega) string {
		for _, door := range doors {
			if err := resolveAs(ctx, r, plainOptions(r, "pu careless", door, attackers.AnyCertificate())); err != nil {
				refused = append(refused, fmt.Sprintf("%s: %v", door, err))
				continue
			}
			if err := resolveAs(ctx, r, plainOptions(r, "pu careful", door, actor.CertificateConfig(&r.Instance.Credentials))); err != nil {
				unverified = append(unverified, fmt.Sprintf("%s: %v", door, err))
			}
		}
		return fmt.Sprintf("%d doors do not speak TLS with certificates, %d show one that does not verify", len(refused), len(unverified))
	})
	if !asked {
		return
	}
	r.Oracle(ctx, "TLS with certificates is spoken", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(refused).To(gomega.BeEmpty(), "a pool user that has no key cannot come over TLS: %s", strings.Join(refused, "; "))
		return fmt.Sprintf("a pool user resolves over TLS with certificates at %d doors", len(doors))
	}, "T2.7-R2")
	r.Oracle(ctx, "the certificate is signed by the administrator's authority, valid, and for the registrar's name", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(append(refused, unverified...)).To(gomega.BeEmpty(), "the certificate does not verify for %q", r.Instance.Credentials.ServerName)
		return fmt.Sprintf("the chain verifies for %q", r.Instance.Credentials.ServerName)
	}, "T2.7-R3")
}
