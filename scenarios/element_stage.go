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
	"github.com/rspthreat/rspthreat/reference/tlspsk"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// elementStage is the cast of most checks on pool elements: an honest registrar at the place
// where the element under test looks for one, and the element.
type elementStage struct {
	run       *engine.Run
	spec      sut.ElementSpec
	registrar actor.RegistrarSpec // what the honest registrar is like
	honest    *actor.Registrar    // nil while it is away
	element   sut.ElementNode     // nil while it is stopped
	events    *nodeEvents         // of the element
	// registered is what the element has registered as last, over the association home.
	registered *wire.Registration
	home       *script.Node
	seen       moment // before what may come next
	company    *attackers.Company
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
	stands := false
	defer unless(&stands, func() { s.leave(ctx) })
	s.begin(ctx)
	stands = true
	return s
}

// begin starts registrar and element, and waits for the registration.
func (s *elementStage) begin(ctx context.Context) {
	s.open(ctx)
	s.run.Baseline(ctx, "the element registers", func(ctx context.Context, g gomega.Gomega) string {
		return s.registers(ctx, g, moment{})
	})
}

// open starts registrar and element.
func (s *elementStage) open(ctx context.Context) {
	s.run.Need(ctx, "an honest registrar is there, and the element is started", func(ctx context.Context) (string, error) {
		if err := s.comeBack(ctx); err != nil {
			return "", err
		}
		return "it is started", s.start(ctx)
	})
}

// start starts the element under test.
func (s *elementStage) start(ctx context.Context) error {
	n, err := s.run.Instance.Driver.StartElement(ctx, s.spec)
	if err != nil {
		return fmt.Errorf("start the element: %w", err)
	}
	s.element, s.events = n, follow(n)
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
	select {
	case <-s.events.ended:
	case <-ctx.Done(): // it has not ended; what it tells from now on nobody reads
	}
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
	s.seen = moment{}
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

// registers waits until the element has registered with the honest registrar, after since.
func (s *elementStage) registers(ctx context.Context, g gomega.Gomega, since moment) string {
	registered, err := s.decides(ctx, since, tries)
	g.Expect(err).NotTo(gomega.HaveOccurred(), "the element does not register with the honest registrar")
	g.Expect(registered).To(gomega.BeTrue(), "the element came %d times to the honest registrar, and did not register%s", tries, s.because())
	return fmt.Sprintf("element %s is registered in pool %s", s.registered.Element.ID, s.spec.Pool)
}

// returns waits until an element that has lost its home has registered again. Some come to the
// registrar and renew their registration when its time has come only: they are made to.
func (s *elementStage) returns(ctx context.Context) bool {
	waiting, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	registered, err := s.decides(waiting, s.seen, tries)
	cancel()
	if registered {
		return true
	}
	if errors.Is(err, context.DeadlineExceeded) {
		_ = s.element.Register(ctx) // if it cannot, it may still come by itself
	}
	registered, _ = s.decides(ctx, s.seen, tries)
	return registered
}

func (s *elementStage) isRegistration(m wire.Message) bool {
	r, ok := m.(*wire.Registration)
	return ok && string(r.PoolHandle) == s.spec.Pool
}

// hunts is how many responses a hunt for a registrar may take: candidates are tried in sets
// that get longer (RFC 5352 section 3.6).
const hunts = 4

// tries is how often an element may come to an honest registrar in vain, where both are busy
// and a hunt ends its attempts, before it is said not to register.
const tries = 6

// moment is how much the honest registrar had seen by then; the zero value is its beginning.
type moment struct{ heard, attempts int }

// now is what the honest registrar has seen so far.
func (s *elementStage) now() moment {
	return moment{len(s.honest.Heard()), s.honest.Attempts()}
}

// decides waits until the element has registered with the honest registrar, after since, or
// was refused or has left that many times since then.
func (s *elementStage) decides(ctx context.Context, since moment, times int) (registered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, hunts*s.run.Instance.Timers.Response)
	defer cancel()
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan error, 1)
	go func() {
		over <- s.honest.AwaitOver(waiting, since.attempts+times)
		stop()
	}()
	h, _, heard := s.honest.Await(waiting, since.heard, s.isRegistration)
	stop()
	err = <-over
	if heard == nil {
		s.home, s.registered = h.Node, h.Message.(*wire.Registration)
		s.spec.ID = s.registered.Element.ID // some cannot be told which to have
		return true, nil
	}
	return false, err
}

// alerted is why the honest registrar or the element gave up the last handshake that ended
// with an alert, nil if none did.
func (s *elementStage) alerted() (err error) {
	for _, refusal := range s.honest.Refused() {
		var alert *tlspsk.AlertError
		if errors.As(refusal.Err, &alert) {
			err = refusal.Err
		}
	}
	return err
}

// because is alerted as the end of a sentence.
func (s *elementStage) because() string {
	if err := s.alerted(); err != nil {
		return ": " + err.Error()
	}
	return ""
}

// keepAlive asks the element for a sign of life, as its home registrar does.
func (s *elementStage) keepAlive(ctx context.Context) error {
	return s.say(ctx, &wire.EndpointKeepAlive{Server: s.honest.Server, PoolHandle: []byte(s.spec.Pool)})
}

// say sends a keep-alive over the home association and waits for the acknowledgement.
func (s *elementStage) say(ctx context.Context, m *wire.EndpointKeepAlive) error {
	if s.home == nil {
		return errNoHome
	}
	return s.sayTo(ctx, s.home, m)
}

func (s *elementStage) sayTo(ctx context.Context, n *script.Node, m *wire.EndpointKeepAlive) error {
	known := len(s.honest.Heard())
	if err := n.Send(ctx, m); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.run.Instance.Timers.Response)
	defer cancel()
	_, _, err := s.honest.Await(ctx, known, isAcknowledgement)
	return err
}

// renews has the element renew its registration with the honest registrar.
func (s *elementStage) renews(ctx context.Context, g gomega.Gomega) {
	// An element that has not taken the last answer yet has nothing to renew.
	g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
	since := s.now()
	g.Expect(s.element.Register(ctx)).To(gomega.Succeed(), "renew the registration")
	s.registers(ctx, g, since)
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
			g.Expect(s.returns(ctx)).To(gomega.BeTrue(), "the element does not register with the honest registrar%s", s.because())
		}
		g.Expect(s.keepAlive(ctx)).To(gomega.Succeed(), "keep-alive")
		return "it is registered and acknowledges"
	})
}

// comebacks is how often an element has to give a rogue registrar up, as it says, before that is
// taken for its last word: it may come with less security when it comes again. An element
// that does not say is left alone when it has come twice as often.
const comebacks = 2
