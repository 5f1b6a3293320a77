// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers"
	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/actor"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
)

// elementStage is the cast of most checks on pool elements: an honest registrar at the place
// where the element under test looks for one, and the element.
type elementStage struct {
	run       *engine.Run
	spec      sut.ElementSpec
	registrar actor.RegistrarSpec // what the honest registrar is like
	honest    *actor.Registrar    // nil while it is away
	element   sut.ElementNode     // nil while it is stopped
	home      *script.Node        // the association that the element registered over last
	company   *attackers.Company
}

// elementLife is longer than a check, so that no renewal comes by itself.
const elementLife = 5 * time.Minute

// newElementStage only says what there is to be; nothing is started yet.
func newElementStage(ctx context.Context, r *engine.Run) *elementStage {
	s := &elementStage{run: r, company: &attackers.Company{}}
	r.Baseline(ctx, "there is a place where the element looks for a registrar", func(_ context.Context, g gomega.Gomega) string {
		place, err := r.World.RegistrarPlace(0)
		g.Expect(err).NotTo(gomega.HaveOccurred(), "place of the registrar")
		s.registrar = actor.RegistrarSpec{Place: place}
		return fmt.Sprintf("%s %s", place.Transport, place.Addr)
	})
	s.spec = sut.ElementSpec{
		Security: r.Instance.Security, Registrars: []sut.Place{s.registrar.Place}, Identity: r.Instance.Credentials.Element,
		Local: r.Instance.Node, Pool: r.Instance.Pool, ID: wire.PEID(r.Random()), Life: elementLife,
	}
	return s
}

// setElement takes the baseline of most checks: the element registers with the honest
// registrar. change says what is different from the usual.
func setElement(ctx context.Context, r *engine.Run, change ...func(*elementStage)) *elementStage {
	s := newElementStage(ctx, r)
	for _, f := range change {
		f(s)
	}
	s.begin(ctx)
	return s
}

// begin starts registrar and element.
func (s *elementStage) begin(ctx context.Context) {
	s.run.Need(ctx, "an honest registrar is there, and the element is started", func(ctx context.Context) (string, error) {
		if err := s.comeBack(ctx); err != nil {
			return "", err
		}
		return "it is started", s.start(ctx)
	})
	s.run.Baseline(ctx, "the element registers", func(ctx context.Context, g gomega.Gomega) string {
		return s.registers(ctx, g, 0)
	})
}

// start starts the element under test.
func (s *elementStage) start(ctx context.Context) error {
	n, err := s.run.Instance.Driver.StartElement(ctx, s.spec)
	if err != nil {
		return fmt.Errorf("start the element: %w", err)
	}
	s.element = n
	s.run.Logged(n.Log)
	return nil
}

// stop stops the element under test.
func (s *elementStage) stop(ctx context.Context) error {
	if s.element == nil {
		return nil
	}
	err := s.element.Stop(ctx)
	s.element, s.home = nil, nil
	return err
}

// goAway takes the honest registrar from its place.
func (s *elementStage) goAway() {
	if s.honest != nil {
		s.honest.Close()
		s.honest, s.home = nil, nil
	}
}

// comeBack puts the honest registrar at its place.
func (s *elementStage) comeBack(ctx context.Context) (err error) {
	s.honest, err = s.run.World.OpenRegistrar(ctx, s.registrar)
	return err
}

// leave ends everything.
func (s *elementStage) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	s.company.Leave()
	_ = s.stop(ctx) // what is left ends with the instance
	s.goAway()
}

// hunts is how many responses a hunt for a registrar may take: candidates are tried in sets
// that get longer (RFC 5352 section 3.6).
const hunts = 4

// registers waits until the element has registered with the honest registrar, behind the
// first known messages.
func (s *elementStage) registers(ctx context.Context, g gomega.Gomega, known int) string {
	ctx, cancel := context.WithTimeout(ctx, hunts*s.run.Instance.Timers.Response)
	defer cancel()
	h, _, err := s.honest.Await(ctx, known, func(m wire.Message) bool {
		r, ok := m.(*wire.Registration)
		return ok && string(r.PoolHandle) == s.spec.Pool
	})
	g.Expect(err).NotTo(gomega.HaveOccurred(), "the element does not register with the honest registrar")
	s.home = h.Node
	s.spec.ID = h.Message.(*wire.Registration).Element.ID // some cannot be told which to have
	return fmt.Sprintf("element %s is registered in pool %s", s.spec.ID, s.spec.Pool)
}

// keepAlive asks the element for a sign of life, as its home registrar does.
func (s *elementStage) keepAlive(ctx context.Context) error {
	if s.home == nil {
		return errNoHome
	}
	known := len(s.honest.Heard())
	if err := s.home.Send(ctx, &wire.EndpointKeepAlive{Server: s.honest.Server, PoolHandle: []byte(s.spec.Pool)}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	defer cancel()
	_, _, err := s.honest.Await(ctx, known, isAcknowledgement)
	return err
}

// errNoHome says that the element has not registered with the honest registrar.
var errNoHome = errors.New("the element has no home to be kept alive by")

func isAcknowledgement(m wire.Message) bool {
	_, ok := m.(*wire.EndpointKeepAliveAck)
	return ok
}

// canary shows that the element is alive and still looks for its registrar: it finds it
// where it was, and acknowledges its keep-alive.
func (s *elementStage) canary(ctx context.Context) bool {
	return s.run.Canary(ctx, "the element turns to the honest registrar, and acknowledges its keep-alive", func(ctx context.Context, g gomega.Gomega) string {
		if s.honest == nil {
			g.Expect(s.comeBack(ctx)).To(gomega.Succeed(), "the honest registrar comes back")
		}
		if s.element == nil {
			g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
		}
		if s.home == nil {
			s.registers(ctx, g, 0)
		}
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it is registered and acknowledges"
	})
}

// site is where the attacker stands: it knows where the element looks for its registrar, and
// the element's own door.
func (s *elementStage) site() attackers.Site {
	return attackers.Site{
		Local: s.run.Instance.Local, Recorder: s.run.World.Recorder,
		Wire: s.run.Instance.Wire, Patience: s.run.Instance.Timers.Response, Company: s.company,
	}
}

// rogue puts a rogue registrar at the honest one's place, starts the element anew, and waits
// until it has come there and the matter is decided.
func (s *elementStage) rogue(ctx context.Context, g gomega.Gomega, pose attackers.Pose, more ...script.Door) *attackers.RogueRegistrar {
	_ = s.stop(ctx)
	s.goAway()
	p := s.registrar.Place
	door := script.Door{Protocol: wire.ASAP, Transport: p.Transport, Addr: p.Addr, EncapsulationPort: p.EncapsulationPort}
	site := s.site()
	rogue, err := site.Stand(ctx, pose, s.spec.Pool, append([]script.Door{door}, more...)...)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "the rogue registrar takes its place")
	defer rogue.Close()
	g.Expect(s.start(ctx)).To(gomega.Succeed(), "start the element")
	g.Expect(rogue.Settle(ctx, comebacks)).To(gomega.Succeed(), "the element does not come to the rogue registrar")
	if len(rogue.Heard()) > 0 {
		_ = s.stop(ctx) // it would not leave without its registrar
	}
	return rogue
}

// comebacks is how often an element has to be refused by a rogue registrar before that is
// taken for its last word: it may come with less security when it comes again.
const comebacks = 2

// told lists what rogue registrars were told.
func told(rogues []*attackers.RogueRegistrar) (lines []string) {
	for _, r := range rogues {
		for _, m := range r.Heard() {
			lines = append(lines, fmt.Sprintf("%s to the one that shows %s", m.Name(), r.Pose))
		}
	}
	return lines
}
