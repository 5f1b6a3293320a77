// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_11User: Data confidentiality, of what pool users ask and get.
func section2_11User() []engine.Check {
	return []engine.Check{{
		ID: "2.11-overheard-resolutions", Section: "2.11", Role: engine.PoolUser, Rung: 1, Security: sut.Secured,
		Title:        "A passive node listens to resolutions, and registrars agree to nothing that encrypts",
		Requirements: []string{"T2.11-R1", "T2.11-R2"},
		Threat: reports.Threat{
			Attacker:     "a passive node on the path between a registrar and a pool user",
			Precondition: "an encrypting cipher suite is negotiated, and no other can be",
			Effect:       "the attacker learns which services the user looks for, and at which addresses they are",
			Mitigation:   "TLS with suites that encrypt, and no others",
			Residual:     "sizes, times and addresses of the registrars show, and in TLS 1.2 their certificates",
		},
		Run: overheardResolutions,
	}}
}

// nullEncryption are suites that authenticate and do not encrypt.
var nullEncryption = []uint16{attackers.NullSHA256, attackers.NullECDSA}

func overheardResolutions(ctx context.Context, r *engine.Run) {
	ear := &attackers.Eavesdropper{}
	r.World.Recorder = overheard{r.World.Recorder, ear}
	s := setUser(r)
	defer s.leave()
	gate, member := actor.NewGate(), s.absent(r.Instance.Local())
	var first *actor.Registrar
	var at [2]sut.Place
	r.Baseline(ctx, "two registrars wait for users", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		for n := range at {
			at[n], err = s.place(n)
			g.Expect(err).NotTo(gomega.HaveOccurred())
		}
		first, err = s.registrar(ctx, at[0], actor.RegistrarSpec{Members: []wire.PoolElement{member}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the first registrar")
		_, err = s.registrar(ctx, at[1], actor.RegistrarSpec{Name: "registrar second", Gate: gate, Members: []wire.PoolElement{member}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the second registrar")
		return "they are at " + places(at[:])
	})
	user := s.start(ctx, s.spec(at[:]...))
	var asking *resolving
	var read []string
	r.Passive(ctx, "listen to a resolution", func(ctx context.Context, g gomega.Gomega) string {
		asking = resolve(ctx, user)
		_, _ = s.turned(ctx, asking) // what became of it is for the canary to say
		octets, all := ear.Overheard()
		g.Expect(octets).NotTo(gomega.BeZero(), "the eavesdropper heard nothing")
		g.Expect(all).To(gomega.BeTrue(), "there was more than the eavesdropper could keep")
		read = ear.Reads(attackers.Secrets(r.Instance.Pool, &member))
		return fmt.Sprintf("%d octets overheard", octets)
	})
	_, ok := s.resolves(ctx, asking)
	s.stop(ctx, user)
	first.Close()
	var agreed []string
	if ok {
		agreed = s.downgraded(ctx, at, gate, nullEncryption...)
		agreed = append(agreed, s.nullWithKey(ctx, at, gate)...)
	}
	r.Oracle(ctx, "nothing can be read", func(_ context.Context, g gomega.Gomega) string {
		if !ok {
			return "nothing was said, so nothing could be read"
		}
		g.Expect(read).To(gomega.BeEmpty(), "an eavesdropper reads: %s", strings.Join(read, ", "))
		return "neither handle nor identifier nor address can be read"
	})
	r.Oracle(ctx, "cipher suites without encryption are refused", func(_ context.Context, g gomega.Gomega) string {
		g.Expect(agreed).To(gomega.BeEmpty(), "the user goes on with %s", strings.Join(agreed, ", "))
		return "suites without encryption are refused"
	})
}

// nullWithKey is a registrar that knows the user by a pre-shared key and agrees to nothing
// but suites without encryption, where the user can come with a key at all.
func (s *userStage) nullWithKey(ctx context.Context, at [2]sut.Place, gate *actor.Gate) (agreed []string) {
	key := s.run.Instance.Credentials.Element
	if key == nil {
		return nil
	}
	spec := s.spec(at[:]...)
	spec.Identity = key
	var asking *resolving
	declined := false
	gate.Shut()
	s.run.Passive(ctx, "a registrar agrees to no suite that encrypts, with a user that has a pre-shared key", func(ctx context.Context, g gomega.Gomega) string {
		m, err := attackers.Mislead(ctx, attackers.MisleaderSpec{
			Door: script.Door{Protocol: wire.ASAP, Transport: at[0].Transport, Secured: true, Addr: at[0].Addr, EncapsulationPort: at[0].EncapsulationPort},
			TLS: &tlspsk.Config{
				CipherSuites: nullCiphers, MaxVersion: tlspsk.TLS12,
				Lookup: func(identity string) []byte {
					if identity != key.Identity {
						return nil
					}
					return append([]byte(nil), key.Key...)
				},
			},
			Element: s.absent(s.run.Instance.Local()), Recorder: s.run.World.Recorder, Wire: s.run.Instance.Wire,
		}, s.run.Instance.Pool)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		defer m.Close()
		user, err := s.user(ctx, spec)
		if declined = errors.Is(err, sut.ErrUnsupported); declined {
			return "the user comes with certificates only"
		}
		g.Expect(err).NotTo(gomega.HaveOccurred(), "start a user")
		asking = resolve(context.WithoutCancel(ctx), user)
		ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
		defer cancel()
		came, err := m.Over(ctx, 0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		if m.Asked() > 0 {
			agreed = append(agreed, m.Nodes()[0].Info().TLS.CipherSuite)
		}
		return came
	})
	gate.Open()
	if !declined {
		s.resolves(ctx, asking)
	}
	return agreed
}
