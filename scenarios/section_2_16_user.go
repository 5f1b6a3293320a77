// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_16User: Cookie mechanism security, on pool users.
//
// "If TCP is selected as the transport, then the data and control channel MUST be multiplexed.
// ... the multiplexing onto one TCP port results in security for both data and control
// channels or neither."
func section2_16User() []engine.Check {
	return []engine.Check{{
		ID: "2.16-echoed-cookie", Section: "2.16", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "A user echoes a cookie to the next element, and somebody listens",
		Requirements: []string{"T2.16-R1", "T2.16-R2"},
		Threat: reports.Threat{
			Attacker:     "a passive node on the path between a pool user and the elements",
			Precondition: "cookies travel in the same connection as the data, and so as secured as the data",
			Effect:       "whoever has the cookie can go on with somebody else's session at another element",
			Mitigation:   "one connection for data and control",
			Residual:     "elements that neither sign nor bind cookies believe whoever got hold of one in another way",
		},
		Run: echoedCookie,
	}}
}

func echoedCookie(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := setUser(r)
	defer s.leave()
	cookie := fmt.Sprintf("rspthreat cookie %08x", r.Random())
	f := s.setFailover(ctx, actor.ServiceSpec{Cookie: []byte(cookie)})
	r.Passive(ctx, "the element of the session ends, and the attacker listens", func(_ context.Context, g gomega.Gomega) string {
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		f.crash()
		return fmt.Sprintf("%d octets overheard so far", octets)
	})
	works := f.goesOn(ctx, "the user goes on with the other element", func() bool { return carries(f.to, nextData) })
	if works {
		works = r.Canary(ctx, "the user echoes its cookie there", func(ctx context.Context, g gomega.Gomega) string {
			ctx, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
			defer cancel()
			_, err := f.to.Await(ctx, 0, isEcho)
			if err != nil && len(f.to.Refused()) > 0 {
				return "the cookie comes by a way that the element does not take: " + f.to.Refused()[0].Err.Error()
			}
			g.Expect(err).NotTo(gomega.HaveOccurred(), "no cookie is echoed")
			return "cookie " + hex.EncodeToString([]byte(cookie))
		})
	}
	r.Oracle(ctx, "the cookie came over the connection of the data, and there is no other one", func(_ context.Context, g gomega.Gomega) string {
		if !works {
			return "no cookie was echoed, so nothing can be said"
		}
		data, err := f.to.Await(ctx, 0, isData(nextData))
		g.Expect(err).NotTo(gomega.HaveOccurred())
		for _, echo := range echoes(f.to) {
			g.Expect(echo.Node).To(gomega.BeIdenticalTo(data.Node), "the cookie came over another connection than the data")
		}
		g.Expect(f.to.Attempts()).To(gomega.Equal(1), "the user came to element %s with %d connections", f.to.PE.ID, f.to.Attempts())
		return "one connection carries data and cookie"
	}, "T2.16-R1")
	r.Oracle(ctx, "the cookie cannot be read beside data that is secured", func(_ context.Context, g gomega.Gomega) string {
		read := ear.Reads([]attackers.Secret{{What: "cookie", Bytes: []byte(cookie)}})
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads the %s", strings.Join(read, ", "))
		return "an eavesdropper cannot read the cookie"
	}, "T2.16-R2")
}
