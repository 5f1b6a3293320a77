// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section3User: Security considerations, as far as no other section has them.
//
// "A client must implement ... confidentiality ... and use it when privacy is required." What
// the user is told is that registrars and elements have to be secured.
func section3User() []engine.Check {
	return []engine.Check{{
		ID: "3-privacy-required", Section: "3", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "A user that is to be private finds a registrar in clear, and elements in clear",
		Requirements: []string{"T3-R11"},
		Threat: reports.Threat{
			Attacker:     "a passive node on the path, and one that keeps TLS from coming about",
			Precondition: "a user that is told to use TLS asks nobody and sends nothing without it",
			Effect:       "everybody on the path reads what the user looks for and what it sends",
			Mitigation:   "no way back from TLS: where it cannot be had, the user goes elsewhere or stops",
			Residual:     "whoever can keep TLS from coming about can keep the user from working",
		},
		Run: privacyRequired,
	}}
}

func privacyRequired(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := setUser(r)
	defer s.leave()
	t := s.trap(ctx)
	t.baseline(ctx)
	e, works := t.meet(ctx, rogue{Forgery: attackers.Forgery{What: "no TLS at all", Flaw: flawClear}, place: t.rogueAt, clear: true})
	s.leave()
	var read []string
	if works {
		f := s.setFailover(ctx, actor.ServiceSpec{})
		weak := s.weakElements(ctx)
		f.to.Close()
		r.Passive(ctx, "the elements of the pool end, and there are only others in clear", func(ctx context.Context, g gomega.Gomega) string {
			octets, _ := ear.Overheard()
			g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
			f.replace(weak[:1])
			f.crash()
			return f.meets(ctx, g, weak[:1])
		})
		works = f.recovers(ctx)
		read = ear.Reads([]attackers.Secret{{What: "data", Bytes: []byte(firstData)}, {What: "data", Bytes: []byte(nextData)}, {What: "data", Bytes: []byte(lastData)}})
	}
	r.Oracle(ctx, "nobody is asked in clear, and nothing sent", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(e.believed()).To(gomega.BeFalse(), "%s", e)
		if !works {
			return "the user does not go on, so nothing can be said of what it sends"
		}
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads the %s", strings.Join(read, ", "))
		octets, _ := ear.Overheard()
		return fmt.Sprintf("neither a question nor data in %d octets", octets)
	})
}
