// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// failover is a user in a session with one element of a pool, that is to go on with another.
type failover struct {
	*userStage
	registrar *actor.Registrar
	user      sut.UserNode
	told      *testimony
	elements  []*actor.Service
	gates     []*actor.Gate
	from, to  *actor.Service // after begin, in a pool of two
	gate      *actor.Gate    // of to
}

// What the user is told to send, with the first element and with the next one.
const (
	firstData = "rspthreat: to the first element"
	nextData  = "rspthreat: to the next element"
)

// setFailover takes the baseline: a user has a session with one of two elements, which leaves
// it cookie. spec is what is special about the elements.
func (s *userStage) setFailover(ctx context.Context, spec actor.ServiceSpec) *failover {
	f := &failover{userStage: s}
	var place sut.Place
	s.run.Baseline(ctx, "two elements serve, and a registrar lists them", func(ctx context.Context, g gomega.Gomega) string {
		var err error
		place, err = s.place(0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		var members []wire.PoolElement
		for range 2 {
			gate := actor.NewGate()
			gate.Open()
			spec.Gate = gate
			element, err := s.service(ctx, spec)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "open the service of an element")
			f.elements, f.gates, members = append(f.elements, element), append(f.gates, gate), append(members, element.PE)
		}
		f.registrar, err = s.registrar(ctx, place, actor.RegistrarSpec{Members: members})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		return fmt.Sprintf("elements %s and %s", members[0].ID, members[1].ID)
	})
	f.user = s.start(ctx, s.spec(place))
	f.told = listen(f.user)
	s.run.Need(ctx, "the user exchanges data with one of them", func(ctx context.Context) (string, error) {
		if err := s.exchange(ctx, f.user, firstData); err != nil {
			return "", err
		}
		for n, element := range f.elements {
			if carries(element, firstData) {
				f.from, f.to, f.gate = element, f.elements[1-n], f.gates[1-n]
				return "it has a session with " + element.PE.ID.String(), nil
			}
		}
		return "", errNobodyServed
	})
	return f
}

var errNobodyServed = errors.New("the user got an answer, and no element was asked")

// carries tells whether an element was sent data, under whatever frame.
func carries(s *actor.Service, data string) bool {
	for _, served := range s.Served() {
		if isData(data)(served) {
			return true
		}
	}
	return false
}

func isData(data string) func(actor.Served) bool {
	return func(s actor.Served) bool { return bytes.Contains(s.Data, []byte(data)) }
}

// crash ends the first element: its associations are reset, its door is gone.
func (f *failover) crash() { f.from.Close() }

// hesitation is how long a user may take to go to another element by itself, before it is
// given something to send. It only decides who moves first, and no verdict hangs on it.
const hesitation = time.Second

// goesOn is the canary: the user exchanges data with the next element. Data on its way to an
// element that ends is lost with it, so that the user is asked more than once.
func (f *failover) goesOn(ctx context.Context, title string, done func() bool) bool {
	return f.run.Canary(ctx, title, func(ctx context.Context, g gomega.Gomega) string {
		waiting, cancel := context.WithTimeout(ctx, min(hesitation, f.run.Instance.Timers.Response))
		_ = f.to.AwaitAttempt(waiting, 0) // a user that waits for something to send comes later
		cancel()
		var err error
		for range attempts {
			if err = f.exchange(ctx, f.user, nextData); err == nil {
				break
			}
		}
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(done()).To(gomega.BeTrue(), "the user got an answer, and the element was not asked")
		return "it gets its answer"
	})
}

// attempts is how often a user is asked to send after an element was lost: the data may be
// lost with the element, and a session may have ended over it.
const attempts = 3
