// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/association"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/actor"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// section2_11: Data confidentiality.
//
// "A provision for data confidentiality service SHOULD be available. TLS provides data
// confidentiality in support of this mechanism."
func section2_11() []engine.Check {
	return []engine.Check{{
		ID: "2.11-eavesdropping", Section: "2.11", Role: engine.Registrar,
		Title:        "A passive node looks for handles, identifiers and addresses",
		Requirements: []string{"T2.11-R1", "T2.11-R2"},
		Threat: reports.Threat{
			Attacker:     "a passive node on the path between the registrar and elements, users and peers",
			Precondition: "an encrypting cipher suite is negotiated, and no other can be",
			Effect:       "the attacker learns which services there are, and at which addresses",
		},
		Run: eavesdrop,
	}}
}

// overheard is a recorder that an eavesdropper listens in on.
type overheard struct {
	script.Recorder
	ear *attackers.Eavesdropper
}

// Position lets whoever interferes with the nodes go on doing so.
func (o overheard) Position(hostile bool, wrap func(net.Conn) net.Conn) func(net.Conn) net.Conn {
	return script.Position(o.Recorder, hostile, wrap)
}

// Datagram is as Position.
func (o overheard) Datagram() bool { return script.MaySend(o.Recorder) }

// Record hands on what crosses the wire.
func (o overheard) Record(r association.Record) {
	o.ear.Record(r)
	o.Recorder.Record(r)
}

func eavesdrop(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := set(ctx, r)
	defer s.leave(ctx)
	secrets := attackers.Secrets(r.Instance.Pool, &s.element.PE)
	var read []string
	r.Passive(ctx, "listen to a registration, resolutions and a handle table", func(ctx context.Context, g gomega.Gomega) string {
		for _, door := range r.World.Doors(wire.ASAP) {
			n, err := r.World.OpenElement(ctx, actor.Spec{Name: "pe honest", Door: door, ID: s.element.PE.ID})
			g.Expect(err).NotTo(gomega.HaveOccurred(), "come through %s", door)
			_, err = (&actor.User{Node: n.Node}).Resolve(ctx, r.Instance.Pool)
			n.Close(ctx)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through %s", door)
		}
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		read = ear.Reads(secrets)
		return fmt.Sprintf("%d octets overheard", octets)
	})
	var null []string
	if r.Instance.Security == sut.Secured {
		null = nullSuites(ctx, r)
	}
	s.canary(ctx)
	r.Oracle(ctx, "nothing can be read", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads: %s", strings.Join(read, ", "))
		return "neither handle nor identifier nor address can be read"
	})
	if r.Instance.Security == sut.Secured {
		r.Oracle(ctx, "cipher suites without encryption are refused", func(_ context.Context, g gomega.Gomega) string {
			g.Expect(null).To(gomega.BeEmpty(), "the registrar agrees to %s", strings.Join(null, "; "))
			return "suites without encryption are refused"
		})
	}
}

// nullCiphers are all suites of RFC 4785 and RFC 5487 that authenticate by pre-shared key
// and do not encrypt, as OpenSSL names them.
const nullCiphers = "PSK-NULL-SHA256:PSK-NULL-SHA384:PSK-NULL-SHA:ECDHE-PSK-NULL-SHA256:ECDHE-PSK-NULL-SHA384:ECDHE-PSK-NULL-SHA:@SECLEVEL=0"

// nullSuites offers nothing but suites without encryption and names what is agreed to.
func nullSuites(ctx context.Context, r *engine.Run) (agreed []string) {
	r.Attack(ctx, "offer only cipher suites without encryption", func(ctx context.Context, _ gomega.Gomega) string {
		var outcomes []string
		doors := slices.Concat(r.World.Doors(wire.ASAP), r.World.Doors(wire.ENRP))
		for _, door := range doors {
			config := actor.PSKConfig(r.Instance.Credentials.Element)
			config.CipherSuites, config.MaxVersion = nullCiphers, tlspsk.TLS12
			opening, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
			n, err := script.Open(opening, attackerOptions(r, door, config))
			cancel()
			if err != nil {
				outcomes = append(outcomes, door.String()+": "+err.Error())
				continue
			}
			suite := fmt.Sprintf("%s at %s", n.Info().TLS.CipherSuite, door)
			n.Abort()
			agreed = append(agreed, suite)
			outcomes = append(outcomes, "agreed to "+suite)
		}
		return strings.Join(outcomes, "; ")
	})
	return agreed
}
