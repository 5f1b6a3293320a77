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
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
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
			Mitigation:   "TLS with suites that encrypt, and none other.",
			Residual:     "Addresses, sizes and times of packets show, and the identities in handshakes with pre-shared keys.",
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
	var read []string
	r.Passive(ctx, "listen to every flow: registrations, keep-alives, reports, resolutions, updates and a handle table", func(ctx context.Context, g gomega.Gomega) string {
		secrets := s.everyFlow(ctx, g)
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		read = ear.Reads(secrets)
		return fmt.Sprintf("%d octets overheard", octets)
	})
	stillShows(r, ear)
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

// everyFlow has honest nodes say everything that they say to a registrar, through each door,
// and returns what must not be readable of it.
func (s *stage) everyFlow(ctx context.Context, g gomega.Gomega) []attackers.Secret {
	r := s.run
	secrets := attackers.Secrets(r.Instance.Pool, &s.element.PE)
	for _, door := range r.World.Doors(wire.ASAP) {
		probed := make(chan struct{}, 1)
		e, err := r.World.OpenElement(ctx, actor.Spec{Name: "pe overheard", Door: door, ID: wire.PEID(r.Random()), Answer: func() bool {
			select {
			case probed <- struct{}{}:
			default: // one is enough
			}
			return true
		}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "come through %s", door)
		defer e.Close(ctx)
		secrets = append(secrets, attackers.Secrets(r.Instance.Pool, &e.PE)...)
		g.Expect(e.Register(ctx)).To(gomega.Succeed(), "register through %s", door)
		_, err = r.World.UserOn(e.Node).Resolve(ctx, r.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve through %s", door)
		g.Expect(s.view.User().Send(ctx, &wire.EndpointUnreachable{PoolHandle: []byte(e.Pool), PEID: e.PE.ID})).To(gomega.Succeed(), "report")
		waiting, cancel := context.WithTimeout(ctx, r.Instance.Timers.Response)
		select {
		case <-probed:
		case <-waiting.Done():
			r.Note("no keep-alive came through %s after a report, so that none was overheard", door)
		}
		cancel()
		g.Expect(e.Deregister(ctx)).To(gomega.Succeed(), "deregister through %s", door)
	}
	_, err := s.view.User().Resolve(ctx, r.Instance.Pool)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "resolve")
	if p := s.view.Peer(); p != nil {
		_, err = p.Table(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "download the handle table")
		_, err = p.Servers(ctx)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "ask for the server list")
	}
	return secrets
}

// stillShows tells what encryption does not hide: who speaks with whom, how much and when,
// and the names in handshakes.
func stillShows(r *engine.Run, ear *attackers.Eavesdropper) {
	shape := ear.Shape()
	r.Note("what shows in any case: %d flows with their addresses, and the times and sizes of %d packets of %d to %d octets", shape.Flows, shape.Pieces, shape.Shortest, shape.Longest)
	var names []attackers.Secret
	for _, k := range r.Instance.Credentials.Keys() {
		names = append(names, attackers.Secret{What: fmt.Sprintf("the identity %q", k.Identity), Bytes: []byte(k.Identity)})
	}
	if name := r.Instance.Credentials.ServerName; name != "" {
		names = append(names, attackers.Secret{What: fmt.Sprintf("the name %q", name), Bytes: []byte(name)})
	}
	if shown := ear.Reads(names); len(shown) > 0 {
		r.Note("readable in handshakes: %s", strings.Join(shown, ", "))
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
