// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onsi/gomega"

	"github.com/rspthreat/rspthreat/attackers/script"
	"github.com/rspthreat/rspthreat/reference/policy"
	"github.com/rspthreat/rspthreat/reference/wire"
	"github.com/rspthreat/rspthreat/reports"
	"github.com/rspthreat/rspthreat/scenarios/engine"
	"github.com/rspthreat/rspthreat/sut"
	"github.com/rspthreat/rspthreat/sut/actor"
)

// section2_17User: Potential insider attacks, by pool users.
//
// "... a pool user can always set its 'random choices' so that it picks a particular pool
// member. ... the protocol may require the pool user to 'prove' to the pool member that the
// pool member was chosen 'randomly', say by demonstrating that the random choice was the
// result of applying some hash function to a public nonce." The section informs and requires
// nothing, and so does this check.
func section2_17User() []engine.Check {
	return []engine.Check{{
		ID: "2.17-proven-choice", Section: "2.17", Role: engine.PoolUser, Rung: 1,
		Title:        "Users choose among the elements of a pool with a random policy, and show how",
		Requirements: []string{"T2.17-R1"},
		Threat: reports.Threat{
			Attacker:     "a legitimate pool user that always takes the element that it likes",
			Precondition: "the element can check that it was drawn",
			Effect:       "one element has all the load and the others none, whatever the policy of the pool",
			Mitigation:   "the draw is a hash over a public nonce and a lot that the registrar gives out, and is shown to the element",
			Residual:     "a user in league with a registrar, or with many addresses, still has many lots to choose from",
		},
		Run: provenChoice,
	}}
}

const (
	choosers = 24 // users, each of which chooses once
	choices  = 4  // elements that they choose among
)

// fairLimit is what chi-square exceeds once in a thousand when all elements are as likely,
// with three degrees of freedom (choices less one).
const fairLimit = 16.27

// lottery is a pool with a random policy, whose registrar gives out tickets for draws.
type lottery struct {
	*userStage
	key      ed25519.PrivateKey
	elements []*actor.Service
	members  []wire.PoolElement
	place    sut.Place
	proves   bool // the system can be told to show its draws

	mu      sync.Mutex
	tickets [][]byte // given out
}

func provenChoice(ctx context.Context, r *engine.Run) {
	s := setUser(r)
	defer s.leave()
	l := &lottery{userStage: s, proves: true, key: ed25519.NewKeyFromSeed(policySeed)}
	l.open(ctx)
	l.first(ctx)
	wrong, taken, ok := l.choose(ctx)
	if ok {
		r.Note("%d users chose %v times among %d elements: chi-square is %.1f, a fair choice is above %.1f once in a thousand", choosers, taken, choices, chiSquare(taken), fairLimit)
	}
	r.Oracle(ctx, "each element can check that it was drawn", func(_ context.Context, g gomega.Gomega) string {
		if !ok {
			return "the users do not work any more, so nothing can be said"
		}
		g.Expect(l.proves).To(gomega.BeTrue(), "the user does not prove its choice (an experimental extension)")
		g.Expect(wrong).To(gomega.BeEmpty(), "%d of %d choices are not proven: %s", len(wrong), choosers, strings.Join(slices.Compact(wrong), "; "))
		return fmt.Sprintf("%d choices are proven", choosers)
	})
}

func (l *lottery) open(ctx context.Context) {
	l.run.Baseline(ctx, fmt.Sprintf("%d elements serve in a pool with a random policy", choices), func(ctx context.Context, g gomega.Gomega) string {
		var err error
		l.place, err = l.userStage.place(0)
		g.Expect(err).NotTo(gomega.HaveOccurred())
		for range choices {
			element, err := l.service(ctx, actor.ServiceSpec{})
			g.Expect(err).NotTo(gomega.HaveOccurred(), "open the service of an element")
			element.PE.Policy = wire.Policy{Type: wire.Random}
			l.elements, l.members = append(l.elements, element), append(l.members, element.PE)
		}
		_, err = l.registrar(ctx, l.place, actor.RegistrarSpec{Members: l.members, Intercept: func(n *script.Node, m wire.Message) bool {
			if !isResolution(m) {
				return false
			}
			_ = n.Send(context.WithoutCancel(ctx), l.answer(m.(*wire.HandleResolution).PoolHandle)) // a user that has left needs none
			return true
		}})
		g.Expect(err).NotTo(gomega.HaveOccurred(), "open the registrar")
		return "they are listed"
	})
}

// answer is a resolution with a ticket: each has a lot of its own, as if each user were
// another one. Without the extension in use nobody looks at it.
func (l *lottery) answer(pool wire.PoolHandle) *wire.HandleResolutionResponse {
	out := &wire.HandleResolutionResponse{PoolHandle: pool, Policy: wire.Policy{Type: wire.Random}, HasPolicy: true, Elements: slices.Clone(l.members)}
	if !l.proves {
		return out
	}
	list, err := wire.SelectionList(l.members)
	if err != nil {
		return out // and no choice is proven
	}
	seed := binary.BigEndian.AppendUint32([]byte("rspthreat lot "), l.run.Random())
	lot := sha256.Sum256(seed)
	ticket := wire.NewSelectionTicket(1, 1, sha256.Sum256([]byte("rspthreat nonce")), [wire.SelectionLotLength]byte(lot[:]), list)
	out.Ticket = ticket.Sign(l.key, pool)
	l.mu.Lock()
	l.tickets = append(l.tickets, out.Ticket)
	l.mu.Unlock()
	return out
}

// chooser is a user that chooses once, and the n-th of them.
func (l *lottery) chooser(n int) sut.UserSpec {
	spec := l.spec(l.place)
	spec.ProveSelection = l.proves
	spec.Seed = uint64(l.run.Random())<<8 | uint64(n)
	return spec
}

// first takes the baseline, and finds out whether the system knows the extension.
func (l *lottery) first(ctx context.Context) {
	l.run.Need(ctx, "a user exchanges data with one of them", func(ctx context.Context) (string, error) {
		user, err := l.user(ctx, l.chooser(0))
		if errors.Is(err, sut.ErrUnsupported) {
			l.proves = false
			user, err = l.user(ctx, l.chooser(0))
		}
		if err != nil {
			return "", err
		}
		defer l.stop(ctx, user)
		return "it gets its answer", l.exchange(ctx, user, firstData)
	})
}

// choose has every user choose once. It returns what is wrong with the proofs, how often each
// element was taken, and whether all that could be seen.
func (l *lottery) choose(ctx context.Context) (wrong []string, taken []int, ok bool) {
	taken = make([]int, len(l.elements))
	l.run.Passive(ctx, "the users choose as they like, and nobody can tell", func(context.Context, gomega.Gomega) string {
		return "which is theirs to do"
	})
	ok = l.run.Canary(ctx, fmt.Sprintf("%d users exchange data, each with an element of its choice", choosers), func(ctx context.Context, g gomega.Gomega) string {
		for n := range choosers {
			data := fmt.Sprintf("rspthreat: from user %d", n)
			user, err := l.user(ctx, l.chooser(n+1))
			g.Expect(err).NotTo(gomega.HaveOccurred(), "start user %d", n)
			err = l.exchange(ctx, user, data)
			l.stop(ctx, user)
			g.Expect(err).NotTo(gomega.HaveOccurred(), "user %d", n)
			at := slices.IndexFunc(l.elements, func(e *actor.Service) bool { return carries(e, data) })
			g.Expect(at).NotTo(gomega.BeNumerically("<", 0), "user %d got an answer, and no element was asked", n)
			taken[at]++
			if err := l.proven(l.elements[at], data); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
		return fmt.Sprintf("they were served %v times", taken)
	})
	return wrong, taken, ok
}

// What can be wrong with a choice.
var (
	errNoProof    = errors.New("nothing was shown")
	errNoTicket   = errors.New("the ticket is none that the registrar gave out")
	errNotDrawn   = errors.New("another element was drawn")
	errPassedOver = errors.New("elements were passed over although each can be reached")
)

// proven checks what an element was shown in the association that data came over.
func (l *lottery) proven(e *actor.Service, data string) error {
	served := e.Served()
	at := slices.IndexFunc(served, isData(data))
	for _, s := range served[:at] {
		proof, ok := s.Control.(*wire.SelectionProof)
		if !ok || s.Node != served[at].Node {
			continue
		}
		return l.check(e.PE.ID, proof)
	}
	return errNoProof
}

// check draws again, with the registrar's ticket and not with the user's word.
func (l *lottery) check(id wire.PEID, proof *wire.SelectionProof) error {
	l.mu.Lock()
	given := slices.ContainsFunc(l.tickets, func(t []byte) bool { return bytes.Equal(t, proof.Ticket) })
	l.mu.Unlock()
	ticket, err := wire.ParseSelectionTicket(proof.Ticket)
	if !given || err != nil || !ticket.Lists(proof.List) {
		return errors.Join(errNoTicket, err)
	}
	entries, err := wire.ParseSelectionList(proof.List)
	if err != nil {
		return errors.Join(errNoTicket, err)
	}
	if proof.Attempt > 0 {
		return errPassedOver
	}
	first, ok := policy.NewDraws(&ticket, proof.Counter, wire.Random, entries).Next()
	if !ok || entries[first].ID != id || proof.PEID != id {
		return errNotDrawn
	}
	return nil
}

// chiSquare compares counts with an even spread.
func chiSquare(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / float64(len(counts))
	sum := 0.0
	for _, n := range counts {
		d := float64(n) - expected
		sum += d * d / expected
	}
	return sum
}
